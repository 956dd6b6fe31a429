-- SPDX-License-Identifier: BSD-2-Clause

-- The ops of fraud_op.c and fraud_distinct.c on the records of many subjects,
-- the same to the last bit: every number is whole and below 2^53. What
-- arguments, records and answers look like is said in fraud_store.h. All of
-- this runs in every call, so it makes nothing that most calls do not need.

local call, read, write, sub = redis.call, struct.unpack, struct.pack,
    string.sub

-- Record with the new state of its first slot, if there is one, and where the
-- slot of tag is, ends, and how long its state is; or where it would be.
local function find(record, first, tag)
    local unpack, at, size = struct.unpack, 5, #record

    if first then
        record = record:sub(1, 9) .. first .. record:sub(26)
    end
    while at + 4 <= size do
        local t, len = unpack('<I4B', record, at)
        if at + 4 + len > size then
            break
        end
        if t == tag then
            return record, at, at + 5 + len, len
        end
        at = at + 5 + len
    end
    return record, at, size + 1
end

local time = call('TIME')
local second = time[1] + 0
local now = second * 1000000 + time[2]
local one, records, answers, heads, touched
local forward, unite -- made when a distinct changes

if KEYS[2] then
    records = call('MGET', unpack(KEYS))
    answers, heads, touched = {}, {}, {}
else
    one = redis.pcall('GET', KEYS[1])
end

for i = 1, #KEYS do
    local key, record, missing = KEYS[i], one, 0

    if records then
        record = records[i]
        if touched[key] then -- it comes again
            record = call('MGET', key)[1]
        end
    end

    -- false: missing; of another type, MGET says the same and GET refuses
    if not record or #record < 4 or #record > 6144 then
        if type(record) == 'table' and record.err:sub(1, 9) ~= 'WRONGTYPE' then
            return record
        end
        record, missing = '\0\0\0\0', 1
    end

    local before, answer, argument = record, record, ARGV[i]
    local ttl, what, after, arg, slot, n, room, most, cost
    local expires, changed
    local first -- the new state of its slot, if that is all that changes

    -- most begin with a gcra; what does not is read again
    if #argument >= 43 then
        ttl, what, slot, n, room, most, cost, after, arg =
            read('<I4BI5ddddB', argument)
    else
        ttl, what = read('<I4B', argument)
    end
    if what ~= 1 then
        slot, arg = nil, 6
    end

    -- where the next slot is as long as they come in the order of the ops
    local cursor = 5

    while what ~= 0 do
        local at, past, len, new = cursor

        if what == 1 then
            local stamp, seen, last, debt

            if not slot then
                slot, n, room, most, cost, after, arg =
                    read('<I5ddddB', argument, arg)
            end
            if cursor + 20 <= #record then
                stamp, seen, last, debt, past =
                    read('<I4I5I8I8', record, cursor - 4)
            end
            if seen ~= slot then
                record, at, past, len = find(record, first, slot % 4294967296)
                first, changed = nil, first or changed
                last, debt = 0, 0
                if len == 16 then
                    last, debt = read('<I8I8', record, at + 5)
                end
            end

            if debt > most then
                debt = most
            end
            if last <= now then
                debt = debt - (now - last) * n
                if debt < 0 then
                    debt = 0
                end
                last = now
            elseif last >= 4503599627370496
                or last - now > math.floor((most + n - 1) / n) + 1000000
            then
                debt, last = 0, now
            end
            if debt > room then
                -- over: nothing is charged
            elseif cursor == 5 and seen == slot and not changed then
                first = write('<I8I8', last, debt + cost)
                expires = stamp
            else
                new = write('<I5I8I8', slot, last, debt + cost)
            end
            slot = nil

        elseif what == 2 then
            local floor = math.floor
            local half_life, add, seen, when, value

            slot, half_life, add, after, arg = read('<I5ddB', argument, arg)
            if cursor + 16 <= #record then
                seen, when, value, past = read('<I5I8I4', record, cursor)
            end
            if seen ~= slot then
                record, at, past, len = find(record, first, slot % 4294967296)
                first, changed = nil, first or changed
                when, value = 0, 0
                if len == 12 then
                    when, value = read('<I8I4', record, at + 5)
                end
            end

            value = math.min(value, 10000000)
            if when <= now then
                local halvings = floor((now - when) / half_life)
                local rest = now - when - halvings * half_life
                local step = floor(rest * 256 / half_life)

                if step > 0 then
                    -- C's table; no power comes close to a whole number
                    value = floor(value * floor(2 ^ (24 - step / 256))
                                  / 16777216)
                end
                if halvings > 0 then
                    value = halvings < 24 and floor(value / 2 ^ halvings) or 0
                end
                when = when + halvings * half_life
                    + math.ceil(step * half_life / 256)
            elseif when >= 4503599627370496
                or when - now > half_life * 24 + 1000000
            then
                value = 0
            end
            if value == 0 then
                when = now
            end
            add = math.min(add, 10000000 - value)
            if add > 0 then
                new = write('<I5I8I4', slot, when, value + add)
            end
            slot = nil

        elseif what == 3 or what == 6 then
            local tag, length, fingerprint, byte, mask
            local other_window, other_n, other_m, other_list, other_previous
            local seen, window, n, m

            if what == 3 then
                tag, length, fingerprint, byte, mask, after, arg =
                    read('<I4dc2BBB', argument, arg)
            else
                tag, length, other_window, other_n, other_m, other_list,
                    other_previous, after, arg =
                    read('<I4ddBBBc0Bc0B', argument, arg)
            end
            if cursor + 14 <= #record then
                seen, len, window, n, m = read('<I4BI8BB', record, cursor)
                past = cursor + 5 + len
            end
            if seen ~= tag or past > #record + 1 then
                record, at, past, len = find(record, first, tag)
                first, changed = nil, first or changed
                if len and len >= 10 then
                    window, n, m = read('<I8BB', record, at + 5)
                end
            end

            local size = len and len >= 10 and (n == 255 and 48 or n * 2)
            if not size or size > 48 or m > 24 and m ~= 255
                or len ~= 10 + size + (m == 255 and 48 or m * 2)
            then
                window, n, m, size, len = 0, 0, 0, 0
            end

            local this = math.floor(now / length)
            local known = false
            if window == this and what == 3 then
                if n == 255 then
                    known = bit.band(record:byte(at + 15 + byte), mask) ~= 0
                else
                    local found = at + 13
                    repeat
                        found = string.find(record, fingerprint, found + 1,
                                            true)
                        known = found and found < at + 15 + size
                    until not known or (found - at) % 2 == 1
                end
            end

            if not known then
                forward = forward or function(window, n, list, m, previous,
                                              this, length)
                    if window < this then
                        if window + 1 == this then
                            return this, 0, '', n, list
                        end
                        return this, 0, '', 0, ''
                    end
                    if window > this and (window >= 4503599627370496
                        or window - this > 2 + math.floor(1000000 / length))
                    then
                        return this, 0, '', 0, ''
                    end
                    return window, n, list, m, previous
                end

                -- list with what other has, and if that is any more
                unite = unite or function(n, list, other_n, other)
                    local floor, bor, map, more = math.floor, bit.bor

                    local function add(fingerprint)
                        local bits = floor(
                            struct.unpack('<I2', fingerprint) * 384 / 65536)
                        local i = floor(bits / 8) + 1
                        local value = bor(map[i], 2 ^ (bits % 8))
                        more = more or value ~= map[i]
                        map[i] = value
                    end

                    local function convert()
                        map, n, more = {('\0'):rep(48):byte(1, 48)}, 255, true
                        for i = 1, #list, 2 do
                            add(list:sub(i, i + 1))
                        end
                    end

                    if n == 255 then
                        map = {list:byte(1, 48)}
                    elseif other_n == 255 then
                        convert()
                    end
                    if other_n == 255 then
                        for i = 1, 48 do
                            local value = bor(map[i], other:byte(i))
                            more = more or value ~= map[i]
                            map[i] = value
                        end
                    else
                        for i = 1, #other, 2 do
                            local fingerprint = other:sub(i, i + 1)
                            if not map then
                                local found = list:find(fingerprint, 1, true)
                                while found and found % 2 == 0 do
                                    found = list:find(fingerprint, found + 1,
                                                      true)
                                end
                                if not found and n < 24 then
                                    n, list, more = n + 1, list .. fingerprint,
                                        true
                                elseif not found then
                                    convert()
                                end
                            end
                            if map then
                                add(fingerprint)
                            end
                        end
                    end
                    return n, map and string.char(unpack(map)) or list, more
                end

                local list, previous, more, more_previous = '', ''
                if len then
                    list = sub(record, at + 15, at + 14 + size)
                    previous = sub(record, at + 15 + size, past - 1)
                end
                window, n, list, m, previous =
                    forward(window, n, list, m, previous, this, length)

                if what == 3 then
                    n, list, more = unite(n, list, 1, fingerprint)
                else
                    other_window, other_n, other_list, other_m, other_previous
                        = forward(other_window, other_n, other_list, other_m,
                                  other_previous, this, length)
                    if window < other_window then
                        window, n, list, m, previous = forward(window, n, list,
                            m, previous, other_window, length)
                    elseif other_window < window then
                        other_window, other_n, other_list, other_m,
                            other_previous = forward(other_window, other_n,
                            other_list, other_m, other_previous, window,
                            length)
                    end
                    n, list, more = unite(n, list, other_n, other_list)
                    m, previous, more_previous =
                        unite(m, previous, other_m, other_previous)
                end
                if more or more_previous then
                    new = write('<I4BI8BBc0c0', tag, 10 + #list + #previous,
                                window, n, m, list, previous)
                end
            end

        elseif what == 4 then
            local tag, bytes

            tag, bytes, after, arg = read('<I4Bc0B', argument, arg)
            record, at, past = find(record, first, tag)
            first, changed = nil, first or changed
            new = write('<I4BI8c0', tag, 8 + #bytes, now, bytes)

        elseif what == 5 then
            local sum, add, least, last, debt, charged, later

            slot, n, most, sum, add, least, after, arg =
                read('<I5dddddB', argument, arg)
            record, at, past, len = find(record, first, slot % 4294967296)
            first, changed = nil, first or changed
            last, debt = 0, 0
            if len == 16 then
                last, debt = read('<I8I8', record, at + 5)
            end

            debt = math.min(debt, most)
            later = 0
            if last > now then
                later = last - now
                if last >= 4503599627370496
                    or later > math.floor((most + n - 1) / n) + 1000000
                then
                    debt, last, later = 0, now, 0
                end
                charged = debt + sum
            else
                charged = debt + sum - (now - last) * n
                debt = math.max(0, debt - (now - last) * n)
                last = now
            end
            charged = math.max(charged, debt + add, least - later * n)
            charged = math.min(charged, most)
            if charged > debt then
                new = write('<I5I8I8', slot, last, charged)
            end
            slot = nil

        elseif what == 7 then
            local tag, age, bytes, written, when

            tag, age, bytes, after, arg = read('<I4dBc0B', argument, arg)
            record, at, past, len = find(record, first, tag)
            first, changed = nil, first or changed
            written = age < now and now - age or 0
            when = 4503599627370496
            if len and len > 8 and len <= 40 then
                when = read('<I8', record, at + 5)
            end
            -- of marks, of one byte, the older one stays
            if #bytes == 1 and len == 9 and when < 4503599627370496 then
                when, written = -when, -written
            end
            if when >= 4503599627370496 or when < written then
                written = math.abs(written)
                new = write('<I4BI8c0', tag, 8 + #bytes, written, bytes)
            end

        elseif what == 9 then
            slot, after, arg = read('<I4B', argument, arg)
            record, at, past, len = find(record, first, slot)
            slot, after = nil, len and 0 or after

        else
            answer = find(record, first)
            after, arg = read('<B', argument, arg)
        end

        cursor = at == cursor and past or 7000
        if new then
            if first then
                record, first = find(record, first), nil
            end
            if cursor == past then
                cursor = at + #new
            end
            record = sub(record, 1, at - 1) .. new .. sub(record, past)
            changed = true
        end
        what = after
    end

    if ttl == 0 then
        call('DEL', key)
        changed = true
    elseif changed or first then
        while #record > 6144 do
            record = sub(record, 1, 4) .. sub(record, 10 + record:byte(9))
        end
        expires = (expires or read('<I4', record)) - second
        if expires * 8 < ttl * 7 or expires > ttl or #record < #before then
            if first then
                record = sub(record, 1, 9) .. first .. sub(record, 26)
            end
            record = write('<I4', second + ttl) .. sub(record, 5)
            call('SET', key, record, 'EX', sub(argument, arg))
        elseif changed then
            call('SETRANGE', key, '0', record)
        else
            call('SETRANGE', key, '9', first)
        end
    end

    if not records then
        return write('<I2I7B', 8 + #answer, now, missing) .. answer
    end

    -- many are as long as another
    local head = heads[missing * 16384 + #answer]
    if not head then
        head = write('<I2I7B', 8 + #answer, now, missing)
        heads[missing * 16384 + #answer] = head
    end
    if changed or first then
        touched[key] = true
    end
    answers[2 * i - 1] = head
    answers[2 * i] = answer
end

return table.concat(answers)

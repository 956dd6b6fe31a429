/* SPDX-License-Identifier: BSD-2-Clause */

#include "vars.h"

#include "fraud_event.h"
#include "lookup.h"

#include <stdio.h>
#include <string.h>

typedef enum {
    FROM_NOWHERE = 0, /* not looked up in the names yet */
    FROM_PAIR,        /* a key of the line, or unknown */
    FROM_FIELD,
    FROM_MAP,
    FROM_ARG,
    FROM_COOKIE,
    FROM_IS_ARGS,
    FROM_BINARY_ADDR,
    FROM_SERVER_NAME,
    FROM_COUNTRY,
    FROM_ASN,
    FROM_GIVEN
} from_t;

/* A variable, and what a map that is not volatile found for this entry. */
typedef struct {
    from_t from;
    unsigned n;       /* which field, or which given */
    fraud_str_t part; /* of the name, after its prefix */
    int response;     /* empty until there is one */
    map_t *map;
    int busy;       /* being evaluated: it needs itself */
    uint64_t entry; /* that cached is of */
    fraud_rc rc;
    size_t missing;
    fraud_str_t cached;
} var_t;

struct vars_s {
    names_t *names;
    var_t *var;
    size_t n;
    fraud_geo_t **geo;
    size_t ngeo;
    fraud_str_t server_name;
    const entry_t *now;
    uint64_t count; /* of entries */
    int responded;
    int located;
    size_t missing;
    fraud_geo_record_t place;
    fraud_str_t given[GIVEN_N];
    char asn[16];
    arena_t scratch;
};

static const fraud_str_t nothing = {(const uint8_t *)"", 0};

vars_t *vars_new(names_t *names, fraud_str_t server_name) {
    vars_t *vars;

    vars = arena_alloc(names->arena, sizeof(*vars));
    vars->names = names;
    vars->server_name = server_name;
    return vars;
}

static int starts(fraud_str_t name, const char *prefix) {
    size_t len = strlen(prefix);

    return name.len >= len && memcmp(name.data, prefix, len) == 0;
}

static int is(fraud_str_t name, const char *text) {
    return name.len == strlen(text) && starts(name, text);
}

/* Known only when the answer is. */
static int of_response(fraud_str_t name) {
    return starts(name, "sent_http_") || starts(name, "sent_trailer_") ||
           starts(name, "upstream_") || is(name, "status") ||
           is(name, "body_bytes_sent") || is(name, "bytes_sent");
}

static void resolve_prefix(var_t *var, fraud_str_t name) {
    if (starts(name, "arg_") && name.len > 4) {
        var->from = FROM_ARG;
        var->part.data = name.data + 4;
        var->part.len = name.len - 4;
    } else if (starts(name, "cookie_") && name.len > 7) {
        var->from = FROM_COOKIE;
        var->part.data = name.data + 7;
        var->part.len = name.len - 7;
    }
}

static void resolve(var_t *var, fraud_str_t name) {
    static const struct {
        const char *name;
        from_t from;
        unsigned n;
    } known[] = {
        {"is_args", FROM_IS_ARGS, 0},
        {"binary_remote_addr", FROM_BINARY_ADDR, 0},
        {"server_name", FROM_SERVER_NAME, 0},
        {"fraud_country", FROM_COUNTRY, 0},
        {"fraud_asn", FROM_ASN, 0},
        {"fraud_action", FROM_GIVEN, GIVEN_ACTION},
        {"fraud_score", FROM_GIVEN, GIVEN_SCORE},
        {"fraud_mode", FROM_GIVEN, GIVEN_MODE},
    };
    size_t i;

    var->from = FROM_PAIR;
    var->response = of_response(name);
    var->n = accesslog_field(name);
    if (var->n != ENTRY_N) {
        var->from = FROM_FIELD;
        return;
    }
    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (is(name, known[i].name)) {
            var->from = known[i].from;
            var->n = known[i].n;
            return;
        }
    }
    resolve_prefix(var, name);
}

/* Names are added while a configuration is read: there may be more now. */
static var_t *get_var(vars_t *vars, size_t name) {
    while (vars->n < vars->names->n) {
        vars->var = arena_grow(vars->names->arena, vars->var, vars->n,
                               sizeof(*vars->var));
        memset(&vars->var[vars->n++], 0, sizeof(*vars->var));
    }
    if (vars->var[name].from == FROM_NOWHERE) {
        resolve(&vars->var[name], vars->names->name[name]);
    }
    return &vars->var[name];
}

void vars_add_map(vars_t *vars, map_t *map) {
    var_t *var = get_var(vars, map_variable(map));

    map_free(var->map);
    var->from = FROM_MAP;
    var->map = map;
}

void vars_add_geo(vars_t *vars, fraud_geo_t *geo) {
    vars->geo = arena_grow(vars->names->arena, vars->geo, vars->ngeo,
                           sizeof(fraud_geo_t *));
    vars->geo[vars->ngeo++] = geo;
}

void vars_begin(vars_t *vars, const entry_t *entry) {
    unsigned i;

    arena_free(&vars->scratch);
    vars->now = entry;
    vars->count++;
    vars->responded = 0;
    vars->located = 0;
    for (i = 0; i < GIVEN_N; i++) {
        vars->given[i] = nothing;
    }
}

void vars_respond(vars_t *vars) {
    vars->responded = 1;
}

void vars_give(vars_t *vars, given_t what, fraud_str_t text) {
    vars->given[what] = text;
}

size_t vars_missing(const vars_t *vars) {
    return vars->missing;
}

const fraud_geo_record_t *vars_place(vars_t *vars) {
    size_t i;

    if (vars->ngeo == 0) {
        return NULL;
    }
    if (!vars->located) {
        vars->located = 1;
        memset(&vars->place, 0, sizeof(vars->place));
        for (i = 0; vars->now->has_ip && i < vars->ngeo; i++) {
            /* what is not there or not readable leaves the place as it is */
            if (fraud_geo_find(vars->geo[i], &vars->now->ip, &vars->place) !=
                FRAUD_OK) {
                continue;
            }
        }
    }
    return &vars->place;
}

static fraud_rc get_pair(const vars_t *vars, fraud_str_t name,
                         fraud_str_t *text) {
    const entry_t *entry = vars->now;
    size_t i;

    for (i = 0; i < entry->npairs; i++) {
        if (entry->pair[i].key.len == name.len &&
            memcmp(entry->pair[i].key.data, name.data, name.len) == 0) {
            *text = entry->pair[i].value;
            return FRAUD_OK;
        }
    }
    return FRAUD_NOTFOUND;
}

/* What nginx has in these before there is an answer. */
static void unanswered(const var_t *var, fraud_str_t *text) {
    *text = nothing;
    if (var->from == FROM_FIELD && var->n == ENTRY_STATUS) {
        *text = FRAUD_STR("000");
    } else if (var->from == FROM_FIELD) {
        *text = FRAUD_STR("0");
    }
}

static fraud_rc get_arg(const vars_t *vars, const var_t *var,
                        fraud_str_t *text) {
    fraud_str_t args = vars->now->field[ENTRY_ARGS];

    if (args.data == NULL) {
        return FRAUD_NOTFOUND;
    }
    *text = args.len != 0 ? lookup_find(args, var->part, "&") : nothing;
    return FRAUD_OK;
}

static fraud_rc get_cookie(const vars_t *vars, const var_t *var,
                           fraud_str_t name, fraud_str_t *text) {
    fraud_str_t cookies;

    if (get_pair(vars, name, text) == FRAUD_OK) {
        return FRAUD_OK;
    }
    if (get_pair(vars, FRAUD_STR("http_cookie"), &cookies) != FRAUD_OK) {
        return FRAUD_NOTFOUND;
    }
    *text = cookies.len != 0 ? lookup_find(cookies, var->part, ";,") : nothing;
    return FRAUD_OK;
}

static fraud_rc get_place(vars_t *vars, const var_t *var, fraud_str_t *text) {
    const fraud_geo_record_t *place = vars_place(vars);

    if (place == NULL) {
        return FRAUD_NOTFOUND;
    }
    *text = nothing;
    if (var->from == FROM_COUNTRY && place->country[0] != '\0') {
        text->data = (const uint8_t *)place->country;
        text->len = 2;
    } else if (var->from == FROM_ASN && place->asn != 0) {
        text->len = (size_t)snprintf(vars->asn, sizeof(vars->asn), "%lu",
                                     (unsigned long)place->asn);
        text->data = (const uint8_t *)vars->asn;
    }
    return FRAUD_OK;
}

static fraud_rc unknown(vars_t *vars, size_t name) {
    vars->missing = name;
    return FRAUD_NOTFOUND;
}

static fraud_rc run_map(vars_t *vars, var_t *var, size_t name,
                        fraud_str_t *text) {
    fraud_str_t source;
    fraud_rc rc;

    if (var->busy) {
        return unknown(vars, name);
    }
    var->busy = 1;
    rc = vars_value(vars, map_source(var->map), &source);
    if (rc == FRAUD_OK) {
        rc = vars_value(vars, map_find(var->map, source), text);
    }
    var->busy = 0;
    return rc;
}

static fraud_rc get_map(vars_t *vars, size_t name, fraud_str_t *text) {
    var_t *var = &vars->var[name];

    if (map_is_volatile(var->map)) {
        return run_map(vars, var, name, text);
    }
    if (var->entry != vars->count) {
        var->rc = run_map(vars, var, name, &var->cached);
        var->missing = vars->missing;
        var->entry = vars->count;
    }
    *text = var->cached;
    vars->missing = var->missing;
    return var->rc;
}

static fraud_rc get(vars_t *vars, size_t name, fraud_str_t *text) {
    const var_t *var = get_var(vars, name);
    const entry_t *entry = vars->now;
    fraud_rc rc = FRAUD_OK;

    switch (var->from) {
    case FROM_MAP:
        return get_map(vars, name, text);
    case FROM_FIELD:
        *text = entry->field[var->n];
        rc = text->data != NULL ? FRAUD_OK : FRAUD_NOTFOUND;
        break;
    case FROM_ARG:
        rc = get_arg(vars, var, text);
        break;
    case FROM_COOKIE:
        rc = get_cookie(vars, var, vars->names->name[name], text);
        break;
    case FROM_IS_ARGS:
        *text = entry->field[ENTRY_ARGS].len != 0 ? FRAUD_STR("?") : nothing;
        break;
    case FROM_BINARY_ADDR:
        text->data = entry->ip.bytes;
        text->len = entry->has_ip ? fraud_ip_len(&entry->ip) : 0;
        break;
    case FROM_COUNTRY:
    case FROM_ASN:
        rc = get_place(vars, var, text);
        break;
    case FROM_GIVEN:
        *text = vars->given[var->n];
        break;
    case FROM_SERVER_NAME:
        *text = vars->server_name;
        (void)get_pair(vars, vars->names->name[name], text);
        break;
    case FROM_PAIR:
    case FROM_NOWHERE:
        rc = get_pair(vars, vars->names->name[name], text);
        break;
    }
    if (rc == FRAUD_OK && var->response && !vars->responded) {
        unanswered(var, text);
    }
    return rc == FRAUD_OK ? FRAUD_OK : unknown(vars, name);
}

static fraud_rc part_text(vars_t *vars, const value_part_t *part,
                          fraud_str_t *text) {
    if (part->variable) {
        return get(vars, part->name, text);
    }
    *text = part->literal;
    return FRAUD_OK;
}

fraud_rc vars_value(vars_t *vars, const value_t *value, fraud_str_t *text) {
    fraud_str_t part;
    uint8_t *joined = NULL, *longer;
    size_t i, len = 0;

    if (value->n == 1) {
        return part_text(vars, &value->part[0], text);
    }
    for (i = 0; i < value->n; i++) {
        if (part_text(vars, &value->part[i], &part) != FRAUD_OK) {
            return FRAUD_NOTFOUND;
        }
        if (part.len == 0) {
            continue;
        }
        longer = arena_alloc(&vars->scratch, len + part.len);
        if (len != 0) {
            memcpy(longer, joined, len);
        }
        memcpy(longer + len, part.data, part.len);
        joined = longer;
        len += part.len;
    }
    *text = nothing;
    if (len != 0) {
        text->data = joined;
        text->len = len;
    }
    return FRAUD_OK;
}

void vars_free(vars_t *vars) {
    size_t i;

    if (vars == NULL) {
        return;
    }
    for (i = 0; i < vars->n; i++) {
        map_free(vars->var[i].map);
    }
    for (i = 0; i < vars->ngeo; i++) {
        fraud_geo_free(vars->geo[i]);
    }
    arena_free(&vars->scratch);
}


/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_fraud_flag.h"
#include "ngx_http_fraud_store.h"


/*
 * The zone outlives configurations: on reload the new one finds the table,
 * the secrets and the counters of the old one.  Ops are found by tag, and
 * keep their place in the record as long as a configuration has them, so
 * workers of both may use one record at a time.
 */


#define NGX_HTTP_FRAUD_LAYOUT      4
#define NGX_HTTP_FRAUD_SLOTS       64    /* workers with counters apart */
#define NGX_HTTP_FRAUD_RETIRED     8     /* reloads, then a place is free */
#define NGX_HTTP_FRAUD_DEFAULT     (64 * 1024 * 1024)
#define NGX_HTTP_FRAUD_SWEEP_SETS  8192  /* at a time */
#define NGX_HTTP_FRAUD_SWEEP_TIME  600   /* seconds for all sets */


typedef struct {
    uint32_t                   identity;  /* hash of the name */
    uint32_t                   tag;
    uint32_t                   generation;
    uint16_t                   part;
    uint8_t                    offset;
    uint8_t                    len;       /* 0: free */
} ngx_http_fraud_slot_t;


/* under a policy hits wait until enough persons had a part in them */

typedef struct {
    ngx_atomic_t               fired;
    ngx_atomic_t               waiting;
    ngx_atomic_t               lock;      /* of what follows */
    uint64_t                   crowd;     /* a bit of each pseudonym */
    uint64_t                   until;     /* that they are told apart */
    uint32_t                   generation;
    uint32_t                   len;       /* 0: free */
    u_char                     name[48];
} ngx_http_fraud_fired_t;


typedef struct {
    u_char                     name[NGX_HTTP_FRAUD_DOMAIN_LEN];
    uint32_t                   len;       /* 0: free */
    uint32_t                   generation;
    uint64_t                   epoch;     /* number of the current one */
    uint64_t                   length;    /* of epochs, seconds */
    ngx_http_fraud_keys_t      keys;
} ngx_http_fraud_secret_t;


typedef struct {
    ngx_atomic_t               n[NGX_HTTP_FRAUD_N_COUNTERS];
    u_char                     pad[512 - NGX_HTTP_FRAUD_N_COUNTERS
                                         * sizeof(ngx_atomic_t)];
} ngx_http_fraud_counters_t;


struct ngx_http_fraud_zone_sh_s {
    ngx_uint_t                 layout;
    uint32_t                   generation;
    ngx_atomic_t               once;
    ngx_atomic_t               lost;      /* Redis, to these workers */
    ngx_atomic_t               workers;   /* that were ever started */
    ngx_atomic_t               spooled;   /* bytes, when a worker looked */
    void                      *memory;
    size_t                     size;
    fraud_pid_key_t            hash_key;

    ngx_http_fraud_slot_t      slots[NGX_HTTP_FRAUD_MAX_OPS];
    ngx_http_fraud_fired_t     signals[NGX_HTTP_FRAUD_MAX_SIGNALS];
    ngx_http_fraud_secret_t    secrets[NGX_HTTP_FRAUD_MAX_DOMAINS];
    ngx_http_fraud_counters_t  counters[NGX_HTTP_FRAUD_SLOTS];
};


static ngx_int_t ngx_http_fraud_zone_init(ngx_shm_zone_t *shm_zone,
    void *data);
static ngx_int_t ngx_http_fraud_zone_create(ngx_shm_zone_t *shm_zone,
    ngx_http_fraud_zone_t *zone);
static ngx_int_t ngx_http_fraud_zone_secrets(ngx_http_fraud_main_conf_t *fmcf,
    ngx_log_t *log);
static ngx_int_t ngx_http_fraud_zone_secret(ngx_http_fraud_main_conf_t *fmcf,
    ngx_str_t *name, ngx_uint_t length, ngx_uint_t *key, ngx_log_t *log);
static ngx_int_t ngx_http_fraud_zone_signals(ngx_http_fraud_main_conf_t *fmcf,
    ngx_log_t *log);
static ngx_int_t ngx_http_fraud_zone_place(ngx_http_fraud_zone_sh_t *sh,
    ngx_http_fraud_op_t *op, ngx_log_t *log);
static ngx_int_t ngx_http_fraud_zone_ops(ngx_http_fraud_main_conf_t *fmcf,
    ngx_http_fraud_domain_t *domain);
static void ngx_http_fraud_zone_counter_of(ngx_http_fraud_zone_sh_t *sh,
    ngx_http_fraud_signal_t *signal);
static ngx_int_t ngx_http_fraud_zone_cmp(const void *one,
    const void *two);


ngx_int_t
ngx_http_fraud_zone_add(ngx_conf_t *cf, ngx_http_fraud_main_conf_t *fmcf)
{
    ngx_shm_zone_t  *shm_zone;

    if (fmcf->zone_size == 0) {
        ngx_str_set(&fmcf->zone_name, "fraud");
        fmcf->zone_size = NGX_HTTP_FRAUD_DEFAULT;
    }

    shm_zone = ngx_shared_memory_add(cf, &fmcf->zone_name, fmcf->zone_size,
                                     &ngx_http_fraud_module);
    if (shm_zone == NULL) {
        return NGX_ERROR;
    }

    shm_zone->init = ngx_http_fraud_zone_init;
    shm_zone->data = fmcf;

    fmcf->zone.shm_zone = shm_zone;

    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_zone_init(ngx_shm_zone_t *shm_zone, void *data)
{
    ngx_http_fraud_main_conf_t  *old = data;

    ngx_uint_t                   i, k;
    ngx_log_t                   *log;
    ngx_http_fraud_zone_t       *zone;
    ngx_http_fraud_loc_conf_t  **location;
    ngx_http_fraud_main_conf_t  *fmcf;

    fmcf = shm_zone->data;
    zone = &fmcf->zone;
    log = shm_zone->shm.log;

    /* the user of the workers is known by now, at the end of configuration */

    if (ngx_http_fraud_sources_check(fmcf, log) != NGX_OK
        || ngx_http_fraud_keys_check(fmcf, log) != NGX_OK
        || ngx_http_fraud_segments_check(fmcf, log) != NGX_OK
        || ngx_http_fraud_spool_check(fmcf, log) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_fraud_keys_undumped(&shm_zone->shm);

    zone->shpool = (ngx_slab_pool_t *) shm_zone->shm.addr;

    if (old) {
        zone->sh = old->zone.sh;

    } else if (shm_zone->shm.exists) {
        zone->sh = zone->shpool->data;

    } else if (ngx_http_fraud_zone_create(shm_zone, zone) != NGX_OK) {
        return NGX_ERROR;
    }

    if (zone->sh->layout != NGX_HTTP_FRAUD_LAYOUT) {
        ngx_log_error(NGX_LOG_EMERG, log, 0,
                      "\"fraud_zone\": \"%V\" is of another version of this "
                      "module, restart nginx or rename the zone",
                      &fmcf->zone_name);
        return NGX_ERROR;
    }

    if (fraud_table_init(&zone->table, zone->sh->memory, zone->sh->size)
        != FRAUD_OK)
    {
        return NGX_ERROR;
    }

    zone->secrets->hash_key = zone->sh->hash_key;
    zone->counters = zone->sh->counters[0].n;
    zone->sh->generation++;

    if (ngx_http_fraud_zone_secrets(fmcf, log) != NGX_OK
        || ngx_http_fraud_zone_signals(fmcf, log) != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* only now the parts are known: calls of one part are made together */

    location = fmcf->locations.elts;

    for (i = 0; i < fmcf->locations.nelts; i++) {
        for (k = 0; k < location[i]->nsubjects; k++) {

            if (fmcf->redis
                && location[i]->subjects[k].ncalls > FRAUD_STORE_MAX_OPS)
            {
                ngx_log_error(NGX_LOG_EMERG, log, 0,
                              "\"fraud_redis\": \"%V\" has %ui signals with a "
                              "state in one block, use at most %d with Redis",
                              &location[i]->subjects[k].identity->name,
                              location[i]->subjects[k].ncalls,
                              FRAUD_STORE_MAX_OPS);
                return NGX_ERROR;
            }

            ngx_sort(location[i]->subjects[k].calls,
                     location[i]->subjects[k].ncalls,
                     sizeof(ngx_http_fraud_call_t), ngx_http_fraud_zone_cmp);
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_zone_cmp(const void *one, const void *two)
{
    const ngx_http_fraud_call_t  *first = one;
    const ngx_http_fraud_call_t  *second = two;

    return (ngx_int_t) first->signal->op.part
           - (ngx_int_t) second->signal->op.part;
}


static ngx_int_t
ngx_http_fraud_zone_create(ngx_shm_zone_t *shm_zone,
    ngx_http_fraud_zone_t *zone)
{
    size_t                     len;
    ngx_http_fraud_zone_sh_t  *sh;

    sh = ngx_slab_calloc(zone->shpool, sizeof(ngx_http_fraud_zone_sh_t));
    if (sh == NULL) {
        return NGX_ERROR;
    }

    len = sizeof(" in fraud_zone \"\"") + shm_zone->shm.name.len;

    zone->shpool->log_ctx = ngx_slab_alloc(zone->shpool, len);
    if (zone->shpool->log_ctx == NULL) {
        return NGX_ERROR;
    }

    ngx_sprintf(zone->shpool->log_ctx, " in fraud_zone \"%V\"%Z",
                &shm_zone->shm.name);

    /* all the rest is the table; fresh shared memory is zero */

    sh->size = zone->shpool->pfree << ngx_pagesize_shift;
    sh->memory = ngx_slab_alloc(zone->shpool, sh->size);

    if (sh->memory == NULL) {
        return NGX_ERROR;
    }

#if (NGX_DEBUG_MALLOC)
    ngx_memzero(sh->memory, sh->size);
#endif

    if (fraud_pid_key_random(&sh->hash_key) != FRAUD_OK) {
        ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, 0,
                      "\"fraud_keys\": the system has no random bytes");
        return NGX_ERROR;
    }

    sh->layout = NGX_HTTP_FRAUD_LAYOUT;

    zone->sh = sh;
    zone->shpool->data = sh;

    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_zone_secrets(ngx_http_fraud_main_conf_t *fmcf, ngx_log_t *log)
{
    ngx_uint_t                 i;
    ngx_http_fraud_domain_t  **domain;

    domain = fmcf->domains.elts;

    for (i = 0; i < fmcf->domains.nelts; i++) {

        if (ngx_http_fraud_zone_secret(fmcf, &domain[i]->name,
                                       domain[i]->epoch, &domain[i]->key, log)
            != NGX_OK
            || ngx_http_fraud_zone_secret(fmcf, &domain[i]->log_name,
                                          domain[i]->epoch,
                                          &domain[i]->log_key, log)
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (domain[i]->pair) {
            domain[i]->pair->key = domain[i]->key;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_zone_secret(ngx_http_fraud_main_conf_t *fmcf, ngx_str_t *name,
    ngx_uint_t length, ngx_uint_t *key, ngx_log_t *log)
{
    ngx_uint_t                 i;
    ngx_http_fraud_secret_t   *secret, *free;
    ngx_http_fraud_zone_sh_t  *sh;

    sh = fmcf->zone.sh;
    free = NULL;

    for (i = 0; i < NGX_HTTP_FRAUD_MAX_DOMAINS; i++) {
        secret = &sh->secrets[i];

        if (secret->len == name->len
            && ngx_strncmp(secret->name, name->data, name->len) == 0)
        {
            secret->generation = sh->generation;

            if (secret->length != length) {
                /* counted anew; the secrets stay until the next one ends */
                secret->length = length;
                secret->epoch = (uint64_t) ngx_time() / length;
            }

            *key = i;
            return NGX_OK;
        }

        if (free == NULL
            && (secret->len == 0
                || sh->generation - secret->generation
                   > NGX_HTTP_FRAUD_RETIRED))
        {
            free = secret;
        }
    }

    if (free == NULL) {
        ngx_log_error(NGX_LOG_EMERG, log, 0,
                      "\"fraud_identity\": too many names in the last reloads, "
                      "reload again or restart nginx");
        return NGX_ERROR;
    }

    ngx_memzero(free, sizeof(ngx_http_fraud_secret_t));

    if (fraud_pid_key_random(&free->keys.current) != FRAUD_OK) {
        ngx_log_error(NGX_LOG_EMERG, log, 0,
                      "\"fraud_keys\": the system has no random bytes");
        return NGX_ERROR;
    }

    free->len = (uint32_t) name->len;
    ngx_memcpy(free->name, name->data, name->len);

    free->generation = sh->generation;
    free->length = length;
    free->epoch = (uint64_t) ngx_time() / length;

    *key = free - sh->secrets;

    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_zone_signals(ngx_http_fraud_main_conf_t *fmcf, ngx_log_t *log)
{
    ngx_uint_t                  i;
    ngx_http_fraud_op_t       **op;
    ngx_http_fraud_domain_t   **domain;
    ngx_http_fraud_signal_t   **signal;
    ngx_http_fraud_zone_sh_t   *sh;

    sh = fmcf->zone.sh;
    op = fmcf->ops.elts;
    signal = fmcf->signals.elts;

    /* first what is there already, so that nothing new takes its place */

    for (i = 0; i < NGX_HTTP_FRAUD_MAX_OPS; i++) {
        if (sh->generation - sh->slots[i].generation > NGX_HTTP_FRAUD_RETIRED)
        {
            sh->slots[i].len = 0;
        }
    }

    for (i = 0; i < fmcf->signals.nelts; i++) {
        ngx_http_fraud_zone_counter_of(sh, signal[i]);
    }

    for (i = 0; i < fmcf->ops.nelts; i++) {
        if (ngx_http_fraud_zone_place(sh, op[i], log) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    domain = fmcf->domains.elts;

    for (i = 0; i < fmcf->domains.nelts; i++) {

        if (ngx_http_fraud_zone_ops(fmcf, domain[i]) != NGX_OK
            || (domain[i]->pair
                && ngx_http_fraud_zone_ops(fmcf, domain[i]->pair) != NGX_OK))
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* all that the records of an identity have, once */

static ngx_int_t
ngx_http_fraud_zone_ops(ngx_http_fraud_main_conf_t *fmcf,
    ngx_http_fraud_domain_t *domain)
{
    ngx_uint_t             i, k;
    ngx_http_fraud_op_t  **op;

    domain->nops = 0;
    domain->ops = ngx_palloc(fmcf->cycle->pool,
                             (fmcf->ops.nelts + 1) * sizeof(void *));
    if (domain->ops == NULL) {
        return NGX_ERROR;
    }

    op = fmcf->ops.elts;

    for (i = 0; i < fmcf->ops.nelts; i++) {

        if (op[i]->identity.len != domain->name.len
            || ngx_strncmp(op[i]->identity.data, domain->name.data,
                           domain->name.len)
               != 0)
        {
            continue;
        }

        for (k = 0; k < domain->nops; k++) {
            if (domain->ops[k]->op.tag == op[i]->op.tag) {
                break;
            }
        }

        domain->ops[k] = op[i];
        domain->nops = ngx_max(domain->nops, k + 1);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_fraud_zone_place(ngx_http_fraud_zone_sh_t *sh,
    ngx_http_fraud_op_t *op, ngx_log_t *log)
{
    size_t                  len, offset;
    uint32_t                identity;
    ngx_uint_t              i, part;
    ngx_http_fraud_slot_t  *slot, *free;

    identity = ngx_crc32_short(op->identity.data, op->identity.len);
    len = fraud_record_slot_len(op->op.type);
    free = NULL;

    for (i = 0; i < NGX_HTTP_FRAUD_MAX_OPS; i++) {
        slot = &sh->slots[i];

        if (slot->len == 0) {
            free = slot;
            continue;
        }

        if (slot->identity == identity && slot->tag == op->op.tag) {
            goto found;
        }
    }

    if (free == NULL) {
        ngx_log_error(NGX_LOG_EMERG, log, 0,
                      "\"fraud_identity\": \"%V\" has one stateful signal too "
                      "many, at most %d are possible in all, use fewer",
                      &op->identity, NGX_HTTP_FRAUD_MAX_OPS);
        return NGX_ERROR;
    }

    /* the first gap that is long enough in the records of this identity */

    part = 0;
    offset = 0;

again:

    if (offset + len > FRAUD_TABLE_RECORD) {
        part++;
        offset = 0;
    }

    for (i = 0; i < NGX_HTTP_FRAUD_MAX_OPS; i++) {
        slot = &sh->slots[i];

        if (slot->len && slot->identity == identity && slot->part == part
            && offset < (size_t) slot->offset + slot->len
            && slot->offset < offset + len)
        {
            offset = (size_t) slot->offset + slot->len;
            goto again;
        }
    }

    slot = free;
    slot->identity = identity;
    slot->tag = op->op.tag;
    slot->part = (uint16_t) part;
    slot->offset = (uint8_t) offset;
    slot->len = (uint8_t) len;

found:

    slot->generation = sh->generation;

    op->part = slot->part;
    op->offset = slot->offset;

    return NGX_OK;
}


static void
ngx_http_fraud_zone_counter_of(ngx_http_fraud_zone_sh_t *sh,
    ngx_http_fraud_signal_t *signal)
{
    ngx_uint_t               i;
    ngx_http_fraud_fired_t  *fired, *free;

    free = NULL;

    for (i = 0; i < NGX_HTTP_FRAUD_MAX_SIGNALS; i++) {
        fired = &sh->signals[i];

        if (fired->len == signal->name.len
            && ngx_strncmp(fired->name, signal->name.data, fired->len) == 0)
        {
            fired->generation = sh->generation;
            signal->counter = i;
            return;
        }

        if (free == NULL
            && (fired->len == 0
                || sh->generation - fired->generation
                   > NGX_HTTP_FRAUD_RETIRED))
        {
            free = fired;
        }
    }

    if (free == NULL) {
        signal->counter = NGX_CONF_UNSET_UINT;
        return;
    }

    free->fired = 0;
    free->waiting = 0;
    free->lock = 0;
    free->crowd = 0;
    free->generation = sh->generation;
    free->len = (uint32_t) signal->name.len;
    ngx_memcpy(free->name, signal->name.data, signal->name.len);

    signal->counter = free - sh->signals;
}


void
ngx_http_fraud_zone_attach(ngx_http_fraud_main_conf_t *fmcf)
{
    fmcf->zone.counters = fmcf->zone.sh->counters[ngx_worker
                                                  % NGX_HTTP_FRAUD_SLOTS].n;
    ngx_http_fraud_zone_epoch(fmcf, ngx_http_fraud_now());
}


/* a new epoch: the first worker to see it makes the secrets, all copy them */

void
ngx_http_fraud_zone_epoch(ngx_http_fraud_main_conf_t *fmcf, uint64_t now_us)
{
    uint64_t                   epoch, end;
    ngx_uint_t                 i, k, key;
    fraud_pid_key_t            fresh[NGX_HTTP_FRAUD_MAX_DOMAINS];
    ngx_http_fraud_zone_t     *zone;
    ngx_http_fraud_secret_t   *secret;
    ngx_http_fraud_domain_t  **domain;

    zone = &fmcf->zone;

    /* an end that is far away was set by a clock that was ahead */

    if (now_us < zone->epoch_end
        && zone->epoch_end - now_us <= 2 * (uint64_t) fmcf->epoch * 1000000)
    {
        return;
    }

    if (fmcf->keys_dir.len) {
        ngx_http_fraud_keys_epoch(fmcf, now_us);
        return;
    }

    domain = fmcf->domains.elts;
    end = (uint64_t) -1;

    for (i = 0; i < 2 * fmcf->domains.nelts; i++) {
        if (fraud_pid_key_random(&fresh[i]) != FRAUD_OK) {
            return;
        }
    }

    ngx_shmtx_lock(&zone->shpool->mutex);

    for (i = 0; i < fmcf->domains.nelts; i++) {

        epoch = now_us / 1000000 / domain[i]->epoch;
        end = ngx_min(end, (epoch + 1) * domain[i]->epoch * 1000000);

        for (k = 0; k < 2; k++) {
            key = k ? domain[i]->log_key : domain[i]->key;
            secret = &zone->sh->secrets[key];

            if (secret->length == domain[i]->epoch
                && (secret->epoch < epoch || secret->epoch > epoch + 1))
            {
                secret->keys.has_previous = (secret->epoch + 1 == epoch);
                secret->keys.previous = secret->keys.current;

                if (!secret->keys.has_previous) {
                    fraud_pid_key_wipe(&secret->keys.previous);
                }

                secret->keys.current = fresh[2 * i + k];
                secret->epoch = epoch;
            }

            zone->keys[key] = secret->keys;
        }
    }

    ngx_shmtx_unlock(&zone->shpool->mutex);

    for (i = 0; i < 2 * fmcf->domains.nelts; i++) {
        fraud_pid_key_wipe(&fresh[i]);
    }

    zone->epoch_end = end;
}


void
ngx_http_fraud_zone_sweep(ngx_http_fraud_main_conf_t *fmcf, uint64_t now_us)
{
    uint32_t                n, found;
    ngx_http_fraud_zone_t  *zone;

    zone = &fmcf->zone;

    n = zone->table.n / NGX_HTTP_FRAUD_SWEEP_TIME + 1;
    n = ngx_min(n, NGX_HTTP_FRAUD_SWEEP_SETS);

    found = fraud_table_sweep(&zone->table, (uint32_t) zone->swept, n, now_us);

    zone->swept = (zone->swept + n) % zone->table.n;

    (void) ngx_atomic_fetch_add(&zone->counters[NGX_HTTP_FRAUD_N_EXPIRED],
                                found);
}


/* how many parts the records of an identity have or lately had */

ngx_uint_t
ngx_http_fraud_zone_parts(ngx_http_fraud_main_conf_t *fmcf,
    ngx_http_fraud_domain_t *domain)
{
    uint32_t                hash;
    ngx_uint_t              i, parts;
    ngx_http_fraud_slot_t  *slot;

    hash = ngx_crc32_short(domain->name.data, domain->name.len);
    parts = 0;

    for (i = 0; i < NGX_HTTP_FRAUD_MAX_OPS; i++) {
        slot = &fmcf->zone.sh->slots[i];

        if (slot->len && slot->identity == hash) {
            parts = ngx_max(parts, (ngx_uint_t) slot->part + 1);
        }
    }

    return parts;
}


uint64_t
ngx_http_fraud_zone_counter(ngx_http_fraud_main_conf_t *fmcf, ngx_uint_t n)
{
    uint64_t    sum;
    ngx_uint_t  i;

    sum = 0;

    for (i = 0; i < NGX_HTTP_FRAUD_SLOTS; i++) {
        sum += fmcf->zone.sh->counters[i].n[n];
    }

    return sum;
}


ngx_atomic_t *
ngx_http_fraud_zone_spooled(ngx_http_fraud_main_conf_t *fmcf)
{
    return &fmcf->zone.sh->spooled;
}


/*
 * Hits of a signal, with k in steps of which each is of k persons or more: no
 * two readings tell what one of them did.  Bits are never more than there are
 * persons.  Whoever finds the lock held leaves no bit, which makes a step
 * larger, not smaller; so does a worker that dies with it, for good.
 */

void
ngx_http_fraud_zone_fired(ngx_http_fraud_main_conf_t *fmcf,
    ngx_http_fraud_signal_t *signal, ngx_uint_t k, const fraud_pid_t *who)
{
    uint64_t                 bits;
    ngx_uint_t               n;
    ngx_atomic_uint_t        waiting;
    ngx_http_fraud_fired_t  *fired;

    if (signal->counter == NGX_CONF_UNSET_UINT) {
        return;
    }

    fired = &fmcf->zone.sh->signals[signal->counter];

    if (k == 0) {
        (void) ngx_atomic_fetch_add(&fired->fired, 1);
        return;
    }

    (void) ngx_atomic_fetch_add(&fired->waiting, 1);

    if (who == NULL || !ngx_trylock(&fired->lock)) {
        return;
    }

    /* in the next epoch a person has another pseudonym */

    if (fired->until != fmcf->zone.epoch_end) {
        fired->until = fmcf->zone.epoch_end;
        fired->crowd = 0;
    }

    fired->crowd |= (uint64_t) 1 << (who->bytes[0] & 63);

    for (n = 0, bits = fired->crowd; bits; bits &= bits - 1) {
        n++;
    }

    if (n >= k) {
        waiting = fired->waiting;

        (void) ngx_atomic_fetch_add(&fired->waiting,
                                    - (ngx_atomic_int_t) waiting);
        (void) ngx_atomic_fetch_add(&fired->fired,
                                    (ngx_atomic_int_t) waiting);
        fired->crowd = 0;
    }

    ngx_unlock(&fired->lock);
}


uint64_t
ngx_http_fraud_zone_signal(ngx_http_fraud_main_conf_t *fmcf,
    ngx_http_fraud_signal_t *signal)
{
    if (signal->counter == NGX_CONF_UNSET_UINT) {
        return 0;
    }

    return fmcf->zone.sh->signals[signal->counter].fired;
}


ngx_uint_t
ngx_http_fraud_zone_is_lost(ngx_http_fraud_main_conf_t *fmcf)
{
    return fmcf->zone.sh->lost;
}


/* 1 for the first workers of a zone: nobody left anything in it */

ngx_uint_t
ngx_http_fraud_zone_fresh(ngx_http_fraud_main_conf_t *fmcf)
{
    ngx_core_conf_t  *ccf;

    ccf = (ngx_core_conf_t *) ngx_get_conf(fmcf->cycle->conf_ctx,
                                           ngx_core_module);

    return (ngx_int_t) ngx_atomic_fetch_add(&fmcf->zone.sh->workers, 1)
           < ccf->worker_processes;
}


/* 1 if this worker is the first to lose Redis, or the last to have it back */

ngx_uint_t
ngx_http_fraud_zone_lost(ngx_http_fraud_main_conf_t *fmcf, ngx_uint_t lost)
{
    ngx_atomic_t       *workers;
    ngx_atomic_uint_t   before, after, bit;

    workers = &fmcf->zone.sh->lost;
    /* workers of two configurations are apart, and a respawned one is not */

    bit = (ngx_atomic_uint_t) 1 << ngx_process_slot % (8 * sizeof(bit));

    do {
        before = *workers;
        after = lost ? before | bit : before & ~bit;

    } while (!ngx_atomic_cmp_set(workers, before, after));

    return before != after && (before == 0 || after == 0);
}


/* 1 for the first caller of all workers of all configurations */

ngx_uint_t
ngx_http_fraud_zone_once(ngx_http_fraud_main_conf_t *fmcf)
{
    return ngx_atomic_cmp_set(&fmcf->zone.sh->once, 0, 1);
}

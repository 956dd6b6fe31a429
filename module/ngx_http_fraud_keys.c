
/*
 * Copyright (C) nginx-fraud-module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <pthread.h>
#include <sys/mman.h>

#include "ngx_http_fraud.h"
#include "fraud_keys.h"


/*
 * Secrets of hosts that share a directory: a file for each epoch, made ahead
 * by fraudctl.  The master looks whether there is one for this epoch and
 * keeps nothing of it.  A worker reads what there is before it serves, and
 * later files by the thread that watches all files: the next epoch's secrets
 * are at hand when it begins.  What is in force stays; a file of the next
 * epoch counts as it was last.
 *
 * A ring is in memory for secrets.  As all of the thread's, it refers to
 * nothing of nginx.
 */


#define NGX_HTTP_FRAUD_SETS    3     /* previous, current, next */


typedef struct {
    u_char                     name[NGX_HTTP_FRAUD_DOMAIN_LEN];
    size_t                     len;
    ngx_uint_t                 key;
} ngx_http_fraud_named_t;


/* the secrets of one epoch, by key */

typedef struct {
    uint64_t                   epoch;
    ngx_uint_t                 full;      /* 0: it has none */
    fraud_pid_key_t            hash_key;
    fraud_pid_key_t            keys[NGX_HTTP_FRAUD_MAX_DOMAINS];
    u_char                     has[NGX_HTTP_FRAUD_MAX_DOMAINS];
} ngx_http_fraud_set_t;


/* what the thread knows of the file of an epoch */

typedef struct {
    uint64_t                   epoch;
    ngx_http_fraud_stamp_t     stamp;
    unsigned                   taken:1;   /* one was handed over */
    unsigned                   done:1;    /* with the file of this stamp */
} ngx_http_fraud_look_t;


struct ngx_http_fraud_ring_s {
    pthread_mutex_t            mutex;
    uint64_t                   length;    /* of epochs, seconds */
    unsigned                   watched:1; /* else read by the event loop */

    ngx_http_fraud_named_t     names[NGX_HTTP_FRAUD_MAX_DOMAINS];
    ngx_uint_t                 n;

    /* the event loop's, by number of the epoch */
    ngx_http_fraud_set_t       sets[NGX_HTTP_FRAUD_SETS];

    /* the thread's */
    ngx_http_fraud_set_t       read;
    ngx_http_fraud_look_t      looks[2];

    /* under the mutex, from the thread to the event loop */
    ngx_http_fraud_set_t       fresh[2];
    uint64_t                   bad;       /* epoch of a file, 0: none */
    fraud_err_t                err;

    char                       dir[1];
};


static void ngx_http_fraud_keys_cleanup(void *data);
static ngx_int_t ngx_http_fraud_keys_readable(ngx_http_fraud_main_conf_t *fmcf,
    char *path, ngx_log_t *log);
static ngx_http_fraud_ring_t *ngx_http_fraud_ring_create(
    ngx_http_fraud_main_conf_t *fmcf);
static void ngx_http_fraud_ring_name(ngx_http_fraud_ring_t *ring,
    ngx_str_t *name, ngx_uint_t key);
static void ngx_http_fraud_ring_path(ngx_http_fraud_ring_t *ring,
    uint64_t epoch, char *path);
static fraud_rc ngx_http_fraud_ring_read(ngx_http_fraud_ring_t *ring,
    uint64_t epoch, ngx_http_fraud_set_t *set, fraud_err_t *err);
static char *ngx_http_fraud_ring_load(int fd, size_t *len, fraud_err_t *err);
static fraud_rc ngx_http_fraud_ring_fill(ngx_http_fraud_ring_t *ring,
    ngx_http_fraud_set_t *set, fraud_keys_t *keys, fraud_err_t *err);
static void ngx_http_fraud_ring_look(ngx_http_fraud_ring_t *ring,
    uint64_t epoch, ngx_uint_t current);
static void ngx_http_fraud_ring_begin(ngx_http_fraud_ring_t *ring,
    uint64_t epoch);
static void ngx_http_fraud_keys_take(ngx_http_fraud_main_conf_t *fmcf,
    ngx_http_fraud_set_t *current, ngx_http_fraud_set_t *previous);
static void ngx_http_fraud_keys_lose(ngx_http_fraud_main_conf_t *fmcf,
    uint64_t epoch);


/* where a worker has the secrets it uses; the master's are never filled */

ngx_int_t
ngx_http_fraud_keys_memory(ngx_conf_t *cf, ngx_http_fraud_main_conf_t *fmcf)
{
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    fmcf->zone.secrets = fraud_pid_memory_new(
                                           sizeof(ngx_http_fraud_secrets_t));
    if (fmcf->zone.secrets == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           "\"fraud_keys\": no memory for secrets");
        return NGX_ERROR;
    }

    cln->handler = ngx_http_fraud_keys_cleanup;
    cln->data = fmcf->zone.secrets;

    fmcf->zone.keys = fmcf->zone.secrets->keys;

    return NGX_OK;
}


static void
ngx_http_fraud_keys_cleanup(void *data)
{
    fraud_pid_memory_free(data);
}


/*
 * Before workers start: there are secrets of this epoch, and they can read
 * them.
 */

ngx_int_t
ngx_http_fraud_keys_check(ngx_http_fraud_main_conf_t *fmcf, ngx_log_t *log)
{
    char                   *path;
    uint64_t                epoch;
    fraud_rc                rc;
    ngx_int_t               result;
    fraud_err_t             err;
    struct stat             sb;
    ngx_http_fraud_ring_t  *ring;

    if (fmcf->keys_dir.len == 0 || !fmcf->enabled) {
        return NGX_OK;
    }

    if (stat((char *) fmcf->keys_dir.data, &sb) == -1) {
        ngx_log_error(NGX_LOG_EMERG, log, ngx_errno,
                      "\"fraud_keys\": directory \"%V\" cannot be read, "
                      "run \"fraudctl keys rotate %V\"",
                      &fmcf->keys_dir, &fmcf->keys_dir);
        return NGX_ERROR;
    }

    ring = ngx_http_fraud_ring_create(fmcf);
    path = ngx_alloc(fmcf->keys_dir.len + 1 + FRAUD_KEYS_NAME_SIZE, log);

    if (ring == NULL || path == NULL) {
        fraud_pid_memory_free(ring);
        ngx_free(path);
        return NGX_ERROR;
    }

    result = NGX_ERROR;
    epoch = ngx_http_fraud_now() / 1000000 / fmcf->epoch;

    ngx_http_fraud_ring_path(ring, epoch, path);

    rc = ngx_http_fraud_ring_read(ring, epoch, &ring->read, &err);

    if (rc == FRAUD_NOTFOUND) {
        ngx_log_error(NGX_LOG_EMERG, log, 0,
                      "\"fraud_keys\": there is no \"%s\" with the secrets of "
                      "this epoch, run \"fraudctl keys rotate %V\"",
                      path, &fmcf->keys_dir);

    } else if (rc != FRAUD_OK) {
        ngx_log_error(NGX_LOG_EMERG, log, 0,
                      "\"fraud_keys\": file \"%s\" %s, "
                      "run \"fraudctl keys rotate %V\"",
                      path, err.why, &fmcf->keys_dir);

    } else {
        result = ngx_http_fraud_keys_readable(fmcf, path, log);
    }

    ngx_http_fraud_ring_path(ring, epoch + 1, path);

    if (result == NGX_OK
        && ngx_http_fraud_ring_read(ring, epoch + 1, &ring->read, &err)
           > FRAUD_NOTFOUND)
    {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "\"fraud_keys\": file \"%s\" of the next epoch %s, "
                      "run \"fraudctl keys rotate %V\"",
                      path, err.why, &fmcf->keys_dir);
    }

    fraud_pid_memory_free(ring);
    ngx_free(path);

    return result;
}


static ngx_int_t
ngx_http_fraud_keys_readable(ngx_http_fraud_main_conf_t *fmcf, char *path,
    ngx_log_t *log)
{
    struct stat       sb;
    ngx_core_conf_t  *ccf;

    if (stat(path, &sb) == 0 && (sb.st_mode & S_IROTH)) {
        ngx_log_error(NGX_LOG_EMERG, log, 0,
                      "\"fraud_keys\": file \"%s\" can be read by everybody, "
                      "run \"fraudctl keys rotate %V\"",
                      path, &fmcf->keys_dir);
        return NGX_ERROR;
    }

    ccf = (ngx_core_conf_t *) ngx_get_conf(fmcf->cycle->conf_ctx,
                                           ngx_core_module);

    if (ngx_http_fraud_user_may(ccf, path, R_OK) != NGX_OK) {
        ngx_log_error(NGX_LOG_EMERG, log, 0,
                      "\"fraud_keys\": file \"%s\" cannot be read by user "
                      "\"%s\" of the workers, run \"fraudctl keys rotate %V\" "
                      "with \"--group\" and the group of that user",
                      path, ccf->username, &fmcf->keys_dir);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/*
 * Secrets are in no core: those of the zone of no process, master and helpers
 * included, which inherit it; and as a copy may be on a stack, there is no core
 * of a worker at all.
 */

void
ngx_http_fraud_keys_undumped(ngx_shm_t *shm)
{
#if defined(MADV_DONTDUMP)

    if (madvise(shm->addr, shm->size, MADV_DONTDUMP) == -1) {
        ngx_log_error(NGX_LOG_ALERT, shm->log, ngx_errno,
                      "madvise(MADV_DONTDUMP) failed, a core would have "
                      "secrets of fraud");
    }

#endif
}


void
ngx_http_fraud_keys_protect(ngx_cycle_t *cycle,
    ngx_http_fraud_main_conf_t *fmcf)
{
#if (NGX_HAVE_PR_SET_DUMPABLE)

    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1) {
        ngx_log_error(NGX_LOG_ALERT, cycle->log, ngx_errno,
                      "prctl(PR_SET_DUMPABLE) failed, a core would have "
                      "secrets of fraud");
    }

#endif

    if (!fraud_pid_memory_lock(fmcf->zone.secrets,
                               sizeof(ngx_http_fraud_secrets_t)))
    {
        ngx_log_error(NGX_LOG_INFO, cycle->log, ngx_errno,
                      "mlock() failed, secrets of fraud may be swapped");
    }
}


static ngx_http_fraud_ring_t *
ngx_http_fraud_ring_create(ngx_http_fraud_main_conf_t *fmcf)
{
    ngx_uint_t                 i;
    ngx_http_fraud_ring_t     *ring;
    ngx_http_fraud_domain_t  **domain;

    ring = fraud_pid_memory_new(sizeof(ngx_http_fraud_ring_t)
                                + fmcf->keys_dir.len);
    if (ring == NULL) {
        return NULL;
    }

    (void) pthread_mutex_init(&ring->mutex, NULL);

    ring->length = fmcf->epoch;
    ngx_memcpy(ring->dir, fmcf->keys_dir.data, fmcf->keys_dir.len);

    domain = fmcf->domains.elts;

    for (i = 0; i < fmcf->domains.nelts; i++) {
        ngx_http_fraud_ring_name(ring, &domain[i]->name, domain[i]->key);
        ngx_http_fraud_ring_name(ring, &domain[i]->log_name,
                                 domain[i]->log_key);
    }

    return ring;
}


static void
ngx_http_fraud_ring_name(ngx_http_fraud_ring_t *ring, ngx_str_t *name,
    ngx_uint_t key)
{
    ngx_http_fraud_named_t  *named;

    named = &ring->names[ring->n++];

    named->len = ngx_min(name->len, NGX_HTTP_FRAUD_DOMAIN_LEN);
    named->key = key;

    ngx_memcpy(named->name, name->data, named->len);
}


void
ngx_http_fraud_ring_free(ngx_http_fraud_ring_t *ring)
{
    fraud_pid_memory_free(ring);
}


/* from now on the thread looks */

void
ngx_http_fraud_ring_watched(ngx_http_fraud_ring_t *ring)
{
    ring->watched = 1;
}


static void
ngx_http_fraud_ring_path(ngx_http_fraud_ring_t *ring, uint64_t epoch,
    char *path)
{
    size_t  len;

    len = strlen(ring->dir);

    ngx_memcpy(path, ring->dir, len);
    path[len] = '/';

    fraud_keys_name(path + len + 1, epoch);
}


/* FRAUD_NOTFOUND: no file; what a bad one has of domains is set all the same */

static fraud_rc
ngx_http_fraud_ring_read(ngx_http_fraud_ring_t *ring, uint64_t epoch,
    ngx_http_fraud_set_t *set, fraud_err_t *err)
{
    int            fd;
    char           path[NGX_MAX_PATH + FRAUD_KEYS_NAME_SIZE], *text;
    size_t         len;
    fraud_rc       rc;
    fraud_err_t    why;
    fraud_keys_t   keys;

    ngx_explicit_memzero(set, sizeof(ngx_http_fraud_set_t));
    ngx_memzero(err, sizeof(fraud_err_t));

    set->epoch = epoch;

    ngx_http_fraud_ring_path(ring, epoch, path);

    fd = open(path, O_RDONLY|O_NONBLOCK|O_CLOEXEC);

    if (fd == -1) {
        if (errno == ENOENT) {
            return FRAUD_NOTFOUND;
        }

        (void) snprintf(err->why, sizeof(err->why), "cannot be opened%s",
                        errno == EACCES ? ": permission denied" : "");
        return FRAUD_EIO;
    }

    text = ngx_http_fraud_ring_load(fd, &len, err);

    (void) close(fd);

    if (text == NULL) {
        return FRAUD_EIO;
    }

    rc = fraud_keys_parse(&keys, text, len, &why);

    if (rc != FRAUD_OK) {
        (void) snprintf(err->why, sizeof(err->why), "line %u %.100s",
                        (unsigned) why.line, why.why);

    } else if (keys.epoch != epoch || keys.length != ring->length) {
        (void) snprintf(err->why, sizeof(err->why),
                        "is of another epoch or of epochs of another length");
        rc = FRAUD_EINVAL;

    } else {
        rc = ngx_http_fraud_ring_fill(ring, set, &keys, err);
    }

    fraud_pid_memory_free(text);

    return rc;
}


static char *
ngx_http_fraud_ring_load(int fd, size_t *len, fraud_err_t *err)
{
    char     *text;
    ssize_t   n;

    text = fraud_pid_memory_new(FRAUD_KEYS_MAX_BYTES + 1);
    if (text == NULL) {
        (void) snprintf(err->why, sizeof(err->why), "needs memory");
        return NULL;
    }

    *len = 0;

    do {
        n = read(fd, text + *len, FRAUD_KEYS_MAX_BYTES + 1 - *len);

        if (n == -1) {
            (void) snprintf(err->why, sizeof(err->why), "cannot be read");
            fraud_pid_memory_free(text);
            return NULL;
        }

        *len += n;

    } while (n > 0 && *len <= FRAUD_KEYS_MAX_BYTES);

    return text;
}


/* what a file lacks is no fault in the epoch before this */

static fraud_rc
ngx_http_fraud_ring_fill(ngx_http_fraud_ring_t *ring,
    ngx_http_fraud_set_t *set, fraud_keys_t *keys, fraud_err_t *err)
{
    fraud_rc                 rc;
    ngx_uint_t               i;
    fraud_str_t              name;
    ngx_http_fraud_named_t  *named;

    rc = FRAUD_OK;

    for (i = 0; i < ring->n; i++) {
        named = &ring->names[i];
        name.data = named->name;
        name.len = named->len;

        if (fraud_keys_find(keys, name, &set->keys[named->key]) == FRAUD_OK) {
            set->has[named->key] = 1;

        } else if (rc == FRAUD_OK) {
            rc = FRAUD_EINVAL;
            (void) snprintf(err->why, sizeof(err->why),
                            "has no secret of \"%.*s\"", (int) name.len,
                            (char *) name.data);
        }
    }

    if (fraud_keys_find(keys, FRAUD_STR(FRAUD_KEYS_VALUE), &set->hash_key)
        != FRAUD_OK)
    {
        rc = FRAUD_EINVAL;
        (void) snprintf(err->why, sizeof(err->why),
                        "has no secret of \"" FRAUD_KEYS_VALUE "\"");
    }

    set->full = (rc == FRAUD_OK);

    return rc;
}


/* called by the thread */

void
ngx_http_fraud_ring_watch(ngx_http_fraud_ring_t *ring)
{
    uint64_t  epoch;

    epoch = ngx_http_fraud_now() / 1000000 / ring->length;

    ngx_http_fraud_ring_look(ring, epoch, 1);
    ngx_http_fraud_ring_look(ring, epoch + 1, 0);
}


/* a bad file may be one that is being written: it is told at the second look */

static void
ngx_http_fraud_ring_look(ngx_http_fraud_ring_t *ring, uint64_t epoch,
    ngx_uint_t current)
{
    char                     path[NGX_MAX_PATH + FRAUD_KEYS_NAME_SIZE];
    fraud_rc                 rc;
    ngx_uint_t               changed;
    fraud_err_t              err;
    struct stat              sb;
    ngx_http_fraud_look_t   *look;
    ngx_http_fraud_stamp_t   stamp;

    look = &ring->looks[epoch % 2];

    if (look->epoch != epoch) {
        ngx_memzero(look, sizeof(ngx_http_fraud_look_t));
        look->epoch = epoch;
    }

    if (look->taken && current) {
        return;
    }

    ngx_http_fraud_ring_path(ring, epoch, path);

    if (stat(path, &sb) == -1) {
        return;
    }

    ngx_http_fraud_stamp(&stamp, &sb);

    changed = (ngx_memcmp(&stamp, &look->stamp, sizeof(stamp)) != 0);

    if (!changed && look->done) {
        return;
    }

    look->stamp = stamp;
    look->done = 0;

    rc = ngx_http_fraud_ring_read(ring, epoch, &ring->read, &err);

    (void) pthread_mutex_lock(&ring->mutex);

    if (rc == FRAUD_OK) {
        ring->fresh[epoch % 2] = ring->read;
        look->taken = 1;
        look->done = 1;

    } else if (!changed && rc != FRAUD_NOTFOUND) {
        ring->bad = epoch;
        ring->err = err;
        look->done = 1;
    }

    (void) pthread_mutex_unlock(&ring->mutex);

    ngx_explicit_memzero(&ring->read, sizeof(ngx_http_fraud_set_t));
}


/* called by the event loop */

void
ngx_http_fraud_keys_pickup(ngx_http_fraud_main_conf_t *fmcf, ngx_log_t *log)
{
    uint64_t                bad;
    ngx_uint_t              i;
    fraud_err_t             err;
    ngx_http_fraud_set_t   *set;
    ngx_http_fraud_ring_t  *ring;

    ring = fmcf->ring;

    if (ring == NULL || pthread_mutex_trylock(&ring->mutex) != 0) {
        return;
    }

    for (i = 0; i < 2; i++) {

        if (!ring->fresh[i].full) {
            continue;
        }

        set = &ring->sets[ring->fresh[i].epoch % NGX_HTTP_FRAUD_SETS];

        *set = ring->fresh[i];
        ngx_explicit_memzero(&ring->fresh[i], sizeof(ngx_http_fraud_set_t));
    }

    bad = ring->bad;
    err = ring->err;
    ring->bad = 0;

    (void) pthread_mutex_unlock(&ring->mutex);

    if (fmcf->zone.keyless) {
        /* they may be what is missing */
        fmcf->zone.epoch_end = 0;
    }

    if (bad && ngx_worker == 0) {
        ngx_http_fraud_count(fmcf, NGX_HTTP_FRAUD_N_LOAD_ERRORS);

        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "\"fraud_keys\": file \"%V/%uL.keys\" %s, "
                      "run \"fraudctl keys rotate %V\"",
                      &fmcf->keys_dir, bad, err.why, &fmcf->keys_dir);
    }
}


/* a worker sees that an epoch began, or has seen none yet */

void
ngx_http_fraud_keys_epoch(ngx_http_fraud_main_conf_t *fmcf, uint64_t now_us)
{
    uint64_t                epoch;
    ngx_uint_t              i;
    ngx_http_fraud_set_t   *current, *previous, *set;
    ngx_http_fraud_ring_t  *ring;

    epoch = now_us / 1000000 / fmcf->epoch;

    fmcf->zone.epoch_end = (epoch + 1) * fmcf->epoch * 1000000;

    if (fmcf->ring == NULL) {
        fmcf->ring = ngx_http_fraud_ring_create(fmcf);
    }

    ring = fmcf->ring;

    if (ring == NULL) {
        ngx_http_fraud_keys_lose(fmcf, epoch);
        return;
    }

    if (!ring->watched) {
        /* before the first request, or there is no thread */
        ngx_http_fraud_ring_begin(ring, epoch);
    }

    for (i = 0; i < NGX_HTTP_FRAUD_SETS; i++) {
        set = &ring->sets[i];

        if (set->epoch + 1 < epoch || set->epoch > epoch + 1) {
            ngx_explicit_memzero(set, sizeof(ngx_http_fraud_set_t));
        }
    }

    current = &ring->sets[epoch % NGX_HTTP_FRAUD_SETS];
    previous = &ring->sets[(epoch + NGX_HTTP_FRAUD_SETS - 1)
                           % NGX_HTTP_FRAUD_SETS];

    if (!current->full || current->epoch != epoch) {
        ngx_http_fraud_keys_lose(fmcf, epoch);
        return;
    }

    ngx_http_fraud_keys_take(fmcf, current, previous);
}


static void
ngx_http_fraud_ring_begin(ngx_http_fraud_ring_t *ring, uint64_t epoch)
{
    char                    path[NGX_MAX_PATH + FRAUD_KEYS_NAME_SIZE];
    uint64_t                n;
    fraud_err_t             err;
    struct stat             sb;
    ngx_http_fraud_set_t   *set;
    ngx_http_fraud_look_t  *look;

    for (n = epoch ? epoch - 1 : 0; n <= epoch + 1; n++) {

        set = &ring->sets[n % NGX_HTTP_FRAUD_SETS];

        if (set->full && set->epoch == n) {
            continue;
        }

        ngx_http_fraud_ring_path(ring, n, path);

        if (stat(path, &sb) == -1
            || ngx_http_fraud_ring_read(ring, n, set, &err) != FRAUD_OK
            || n < epoch)
        {
            continue;
        }

        look = &ring->looks[n % 2];

        look->epoch = n;
        look->taken = 1;
        look->done = 1;
        ngx_http_fraud_stamp(&look->stamp, &sb);
    }
}


static void
ngx_http_fraud_keys_take(ngx_http_fraud_main_conf_t *fmcf,
    ngx_http_fraud_set_t *current, ngx_http_fraud_set_t *previous)
{
    ngx_uint_t               i, key;
    ngx_http_fraud_ring_t   *ring;
    ngx_http_fraud_keys_t   *keys;

    ring = fmcf->ring;

    for (i = 0; i < ring->n; i++) {
        key = ring->names[i].key;
        keys = &fmcf->zone.keys[key];

        keys->current = current->keys[key];
        keys->previous = previous->keys[key];
        keys->has_previous = (previous->epoch + 1 == current->epoch
                              && previous->has[key]);
    }

    fmcf->zone.secrets->hash_key = current->hash_key;

    if (!fmcf->zone.keyless) {
        return;
    }

    fmcf->zone.keyless = 0;

    if (ngx_worker == 0 && !ngx_exiting) {
        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "\"fraud_keys\": secrets of this epoch were found in "
                      "\"%V\"", &fmcf->keys_dir);
    }
}


/*
 * No secret, no pseudonym: whatever asked for one all the same would get
 * noise.
 */

static void
ngx_http_fraud_keys_lose(ngx_http_fraud_main_conf_t *fmcf, uint64_t epoch)
{
    ngx_uint_t                 i;
    ngx_http_fraud_secrets_t  *secrets;

    secrets = fmcf->zone.secrets;

    ngx_explicit_memzero(secrets, sizeof(ngx_http_fraud_secrets_t));

    if (fraud_pid_key_random(&secrets->hash_key) == FRAUD_OK) {
        for (i = 0; i < NGX_HTTP_FRAUD_MAX_DOMAINS; i++) {
            secrets->keys[i].current = secrets->hash_key;
        }
    }

    if (fmcf->zone.keyless) {
        return;
    }

    fmcf->zone.keyless = 1;

    if (ngx_worker == 0 && !ngx_exiting) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "\"fraud_keys\": there is no good \"%V/%uL.keys\" with "
                      "the secrets of this epoch, nothing is scored by "
                      "subject until there is, "
                      "run \"fraudctl keys rotate %V\"",
                      &fmcf->keys_dir, epoch, &fmcf->keys_dir);
    }
}

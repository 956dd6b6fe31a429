/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memfd_create() */
#endif

#include "fraud_geo.h"

#include <errno.h>
#include <fcntl.h>
#include <maxminddb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Zeros after the copy: where metadata end the file, libmaxminddb (1.13 too)
 * decodes up to three bytes past them.
 */
#define PADDING 16
#define SAMPLE_NODES 512
#define MAX_DEPTH 128

struct fraud_geo_s {
    const fraud_mem_t *mem;
    unsigned layouts; /* set of indexes into layouts[] */
    MMDB_s db;
};

/*
 * One way to write one field. ${read} gets the value at ${path}: FRAUD_OK,
 * FRAUD_NOTFOUND if it is not of this layout, FRAUD_EINVAL if corrupt.
 */
typedef struct {
    const char *path[3];
    fraud_rc (*read)(fraud_geo_record_t *record, const MMDB_s *db,
                     const MMDB_entry_data_s *value);
} layout_t;

enum { COUNTRY, FLAT_COUNTRY, ASN, LOCATION, FLAT_LOCATION, FLAGS, LAYOUTS_N };

/* What a type has though no sample may show it. */
static const struct {
    const char *word;
    unsigned layouts;
} types[] = {
    {"Anonymous", 1u << FLAGS},
    {"ASN", 1u << ASN},
    {"City", 1u << COUNTRY | 1u << LOCATION},
    {"Country", 1u << COUNTRY},
    {"ISP", 1u << ASN},
};

static const struct {
    const char *path[2];
    uint32_t flag;
} flags[] = {
    {{"is_anonymous", NULL}, FRAUD_GEO_ANONYMOUS},
    {{"is_anonymous_vpn", NULL}, FRAUD_GEO_ANONYMOUS | FRAUD_GEO_VPN},
    {{"is_hosting_provider", NULL}, FRAUD_GEO_ANONYMOUS | FRAUD_GEO_HOSTING},
    {{"is_public_proxy", NULL}, FRAUD_GEO_ANONYMOUS | FRAUD_GEO_PROXY},
    {{"is_residential_proxy", NULL}, FRAUD_GEO_ANONYMOUS | FRAUD_GEO_PROXY},
    {{"is_tor_exit_node", NULL}, FRAUD_GEO_ANONYMOUS | FRAUD_GEO_TOR},
};

static fraud_rc get_value(MMDB_entry_data_s *value, MMDB_entry_s *start,
                          const char *const *path) {
    int status = MMDB_aget_value(start, value, path);

    if (status == MMDB_LOOKUP_PATH_DOES_NOT_MATCH_DATA_ERROR) {
        return FRAUD_NOTFOUND;
    }
    return status == MMDB_SUCCESS ? FRAUD_OK : FRAUD_EINVAL;
}

static fraud_rc get_uint(uint32_t *n, const MMDB_entry_data_s *value) {
    if (value->type == MMDB_DATA_TYPE_UINT32) {
        *n = value->uint32;
    } else if (value->type == MMDB_DATA_TYPE_UINT16) {
        *n = value->uint16;
    } else {
        return FRAUD_NOTFOUND;
    }
    return FRAUD_OK;
}

/* Anything but two capital letters says that the country is unknown. */
static fraud_rc read_country(fraud_geo_record_t *record, const MMDB_s *db,
                             const MMDB_entry_data_s *value) {
    const char *code = value->utf8_string;

    (void)db;
    if (value->type != MMDB_DATA_TYPE_UTF8_STRING) {
        return FRAUD_NOTFOUND;
    }
    if (value->data_size == 2 && code[0] >= 'A' && code[0] <= 'Z' &&
        code[1] >= 'A' && code[1] <= 'Z') {
        memcpy(record->country, code, 2);
        record->country[2] = '\0';
    }
    return FRAUD_OK;
}

static fraud_rc read_asn(fraud_geo_record_t *record, const MMDB_s *db,
                         const MMDB_entry_data_s *value) {
    (void)db;
    return get_uint(&record->asn, value);
}

/* Get a coordinate of at most ${max} degrees either way. */
static fraud_rc get_degrees(int32_t *e4, double max, MMDB_entry_s *place,
                            const char *const *path) {
    MMDB_entry_data_s value;
    double degrees;
    fraud_rc rc;

    rc = get_value(&value, place, path);
    if (rc != FRAUD_OK) {
        return rc;
    }
    if (value.type == MMDB_DATA_TYPE_DOUBLE) {
        degrees = value.double_value;
    } else if (value.type == MMDB_DATA_TYPE_FLOAT) {
        degrees = (double)value.float_value;
    } else {
        return FRAUD_NOTFOUND;
    }
    if (!(degrees >= -max && degrees <= max)) { /* nor is NaN */
        return FRAUD_EINVAL;
    }
    *e4 = (int32_t)(degrees * 10000 + (degrees < 0 ? -0.5 : 0.5));
    return FRAUD_OK;
}

static fraud_rc read_location(fraud_geo_record_t *record, const MMDB_s *db,
                              const MMDB_entry_data_s *value) {
    static const char *const latitude[] = {"latitude", NULL};
    static const char *const longitude[] = {"longitude", NULL};
    static const char *const accuracy[] = {"accuracy_radius", NULL};
    MMDB_entry_s place = {db, value->offset};
    MMDB_entry_data_s radius;
    int32_t lat = 0, lon = 0;
    fraud_rc rc;

    rc = get_degrees(&lat, 90, &place, latitude);
    if (rc == FRAUD_OK) {
        rc = get_degrees(&lon, 180, &place, longitude);
    }
    if (rc != FRAUD_OK) {
        return rc;
    }
    record->latitude_e4 = lat;
    record->longitude_e4 = lon;
    record->accuracy_km = 0;
    record->has_location = 1;
    rc = get_value(&radius, &place, accuracy);
    if (rc == FRAUD_OK) {
        rc = get_uint(&record->accuracy_km, &radius);
    }
    return rc == FRAUD_EINVAL ? FRAUD_EINVAL : FRAUD_OK;
}

static fraud_rc read_flags(fraud_geo_record_t *record, const MMDB_s *db,
                           const MMDB_entry_data_s *value) {
    MMDB_entry_s place = {db, value->offset};
    fraud_rc found = FRAUD_NOTFOUND;
    MMDB_entry_data_s flag;
    fraud_rc rc;
    size_t i;

    for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        rc = get_value(&flag, &place, flags[i].path);
        if (rc == FRAUD_EINVAL) {
            return FRAUD_EINVAL;
        }
        if (rc == FRAUD_OK && flag.type == MMDB_DATA_TYPE_BOOLEAN) {
            found = FRAUD_OK;
            record->flags |= flag.boolean ? flags[i].flag : 0;
        }
    }
    return found;
}

static const layout_t layouts[LAYOUTS_N] = {
    [COUNTRY] = {{"country", "iso_code", NULL}, read_country},
    [FLAT_COUNTRY] = {{"country_code", NULL}, read_country},
    [ASN] = {{"autonomous_system_number", NULL}, read_asn},
    [LOCATION] = {{"location", NULL}, read_location},
    [FLAT_LOCATION] = {{NULL}, read_location},
    [FLAGS] = {{NULL}, read_flags},
};

/* Read by each layout of ${set}; add those that had a value to ${seen}. */
static fraud_rc read_layouts(fraud_geo_record_t *record, unsigned *seen,
                             unsigned set, MMDB_entry_s *entry) {
    MMDB_entry_data_s value;
    fraud_rc rc;
    unsigned i;

    for (i = 0; i < LAYOUTS_N; i++) {
        rc = (set >> i & 1) != 0 ? get_value(&value, entry, layouts[i].path)
                                 : FRAUD_NOTFOUND;
        if (rc == FRAUD_OK) {
            rc = layouts[i].read(record, entry->mmdb, &value);
        }
        if (rc == FRAUD_EINVAL) {
            return FRAUD_EINVAL;
        }
        *seen |= rc == FRAUD_OK ? 1u << i : 0;
    }
    return FRAUD_OK;
}

static fraud_rc fail(fraud_err_t *err, fraud_rc rc, const char *what,
                     const char *why) {
    memset(err, 0, sizeof(*err));
    (void)snprintf(err->why, sizeof(err->why), "%s: %s", what, why);
    return rc;
}

static int anonymous_file(void) {
    char name[] = "/tmp/fraud_geo.XXXXXX";
    int fd = -1;

#ifdef MFD_CLOEXEC
    fd = memfd_create("fraud_geo", MFD_CLOEXEC);
#endif
    if (fd < 0) {
        fd = mkstemp(name);
        (void)unlink(name);
    }
    return fd;
}

/*
 * Copy ${size} bytes, fewer if the file shrinks. read() fails where a store
 * into the mapping would fault for lack of memory.
 */
static int copy_bytes(int to, int from, size_t size) {
    uint8_t *copy;
    size_t at = 0;
    ssize_t n;

    if (ftruncate(to, (off_t)size + PADDING) != 0) {
        return -1;
    }
    copy = mmap(NULL, size + PADDING, PROT_WRITE, MAP_SHARED, to, 0);
    if (copy == MAP_FAILED) {
        return -1;
    }
    do {
        n = read(from, copy + at, size - at);
        at += n > 0 ? (size_t)n : 0;
    } while (n > 0 || (n < 0 && errno == EINTR));
    (void)munmap(copy, size + PADDING);
    return n < 0 ? -1 : 0;
}

static fraud_rc copy_file(int to, const char *path, fraud_err_t *err) {
    fraud_rc rc = FRAUD_OK;
    struct stat info;
    int from;

    /* a FIFO must not block before it is refused */
    from = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (from < 0) {
        return fail(err, FRAUD_EIO, "cannot open", strerror(errno));
    }
    if (fstat(from, &info) != 0 || !S_ISREG(info.st_mode)) {
        rc = fail(err, FRAUD_EIO, "cannot read", "not a regular file");
    } else if (info.st_size > (off_t)FRAUD_GEO_MAX_BYTES) {
        rc = fail(err, FRAUD_ELIMIT, "too large", "more than 1 GiB");
    } else if (copy_bytes(to, from, (size_t)info.st_size) != 0) {
        rc = fail(err, FRAUD_EIO, "cannot copy", strerror(errno));
    }
    (void)close(from);
    return rc;
}

/* Open a private copy; the mapping outlives the descriptor. */
static fraud_rc open_copy(MMDB_s *db, const char *path, fraud_err_t *err) {
    char name[32];
    fraud_rc rc;
    int fd, status;

    fd = anonymous_file();
    if (fd < 0) {
        return fail(err, FRAUD_EIO, "cannot copy", strerror(errno));
    }
    rc = copy_file(fd, path, err);
    if (rc == FRAUD_OK) {
        (void)snprintf(name, sizeof(name), "/dev/fd/%d", fd);
        status = MMDB_open(name, MMDB_MODE_MMAP, db);
        if (status == MMDB_FILE_OPEN_ERROR || status == MMDB_IO_ERROR) {
            rc = fail(err, FRAUD_EIO, "cannot map", strerror(errno));
        } else if (status == MMDB_OUT_OF_MEMORY_ERROR) {
            rc = fail(err, FRAUD_ENOMEM, "cannot map", strerror(ENOMEM));
        } else if (status != MMDB_SUCCESS) {
            rc = fail(err, FRAUD_EINVAL, "corrupt", MMDB_strerror(status));
        }
    }
    (void)close(fd);
    return rc;
}

/* One side of a node: put a node on the stack, learn from a record. */
static fraud_rc sample_side(fraud_geo_t *geo, uint32_t *stack, size_t *n,
                            uint64_t side, MMDB_entry_s *entry) {
    fraud_geo_record_t record = {.asn = 0};

    if (side == geo->db.metadata.node_count) {
        return FRAUD_OK;
    }
    if (side > geo->db.metadata.node_count) {
        return read_layouts(&record, &geo->layouts, (1u << LAYOUTS_N) - 1,
                            entry);
    }
    if (*n == MAX_DEPTH + 1) { /* deeper than any address */
        return FRAUD_EINVAL;
    }
    stack[(*n)++] = (uint32_t)side;
    return FRAUD_OK;
}

/* Learn the layouts in use from the first records of the tree. */
static fraud_rc sample_tree(fraud_geo_t *geo) {
    uint32_t stack[MAX_DEPTH + 1] = {0};
    size_t n = 1; /* the root */
    MMDB_search_node_s node;
    int visited;

    for (visited = 0; n > 0 && visited < SAMPLE_NODES; visited++) {
        n--;
        if (MMDB_read_node(&geo->db, stack[n], &node) != MMDB_SUCCESS ||
            sample_side(geo, stack, &n, node.right_record,
                        &node.right_record_entry) != FRAUD_OK ||
            sample_side(geo, stack, &n, node.left_record,
                        &node.left_record_entry) != FRAUD_OK) {
            return FRAUD_EINVAL;
        }
    }
    return FRAUD_OK;
}

static fraud_rc validate(fraud_geo_t *geo, fraud_err_t *err) {
    static const fraud_ip_t probes[] = {{4, {8, 8, 8, 8}},
                                        {6, {0x20, 0x01, 0x48, 0x60}}};
    const MMDB_metadata_s *metadata = &geo->db.metadata;
    uint64_t tree = (uint64_t)metadata->node_count * metadata->record_size / 4;
    fraud_geo_record_t record = {.asn = 0};
    size_t i;

    /* MMDB_open() computes this size in 32 bits */
    if (tree >= (uint64_t)geo->db.file_size) {
        return fail(err, FRAUD_EINVAL, "corrupt", "tree larger than the file");
    }
    for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (strstr(metadata->database_type, types[i].word) != NULL) {
            geo->layouts |= types[i].layouts;
        }
    }
    if (sample_tree(geo) != FRAUD_OK ||
        fraud_geo_find(geo, &probes[0], &record) == FRAUD_EINVAL ||
        fraud_geo_find(geo, &probes[1], &record) == FRAUD_EINVAL) {
        return fail(err, FRAUD_EINVAL, "corrupt", "search tree or data");
    }
    if (geo->layouts == 0) {
        return fail(err, FRAUD_EINVAL, "of no use",
                    "no country, location, system number or anonymity");
    }
    return FRAUD_OK;
}

fraud_rc fraud_geo_open(fraud_geo_t **geo, const fraud_mem_t *mem,
                        const char *path, fraud_err_t *err) {
    fraud_geo_t *opened;
    fraud_rc rc;

    mem = fraud_mem_or_default(mem);
    opened = fraud_mem_zalloc(mem, sizeof(*opened));
    if (opened == NULL) {
        return fail(err, FRAUD_ENOMEM, "cannot open", strerror(ENOMEM));
    }
    opened->mem = mem;
    rc = open_copy(&opened->db, path, err);
    if (rc != FRAUD_OK) {
        fraud_mem_free(mem, opened);
        return rc;
    }
    rc = validate(opened, err);
    if (rc != FRAUD_OK) {
        fraud_geo_free(opened);
        return rc;
    }
    *geo = opened;
    return FRAUD_OK;
}

fraud_rc fraud_geo_find(const fraud_geo_t *geo, const fraud_ip_t *ip,
                        fraud_geo_record_t *record) {
    fraud_geo_record_t found = *record;
    MMDB_lookup_result_s result;
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address;
    unsigned seen = 0;
    fraud_rc rc;
    int status;

    if (ip->family == 4) {
        address.any.sa_family = AF_INET;
        memcpy(&address.v4.sin_addr, ip->bytes, 4);
    } else {
        address.any.sa_family = AF_INET6;
        memcpy(&address.v6.sin6_addr, ip->bytes, 16);
    }
    result = MMDB_lookup_sockaddr(&geo->db, &address.any, &status);
    if (!result.found_entry) {
        return status == MMDB_SUCCESS ||
                       status == MMDB_IPV6_LOOKUP_IN_IPV4_DATABASE_ERROR
                   ? FRAUD_NOTFOUND
                   : FRAUD_EINVAL;
    }
    rc = read_layouts(&found, &seen, geo->layouts, &result.entry);
    if (rc == FRAUD_OK) {
        *record = found;
    }
    return rc;
}

const char *fraud_geo_type(const fraud_geo_t *geo) {
    return geo->db.metadata.database_type;
}

uint64_t fraud_geo_build_epoch(const fraud_geo_t *geo) {
    return geo->db.metadata.build_epoch;
}

void fraud_geo_free(fraud_geo_t *geo) {
    if (geo != NULL) {
        MMDB_close(&geo->db);
        fraud_mem_free(geo->mem, geo);
    }
}

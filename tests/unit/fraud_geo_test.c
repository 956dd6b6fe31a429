/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* mkdtemp(), setenv() */
#endif

#include "fraud_geo.h"

#include "failmem.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define PATH_SIZE 512

static char databases[256]; /* what tests/mmdb.pl wrote */
static char scratch[] = "/tmp/fraud_geo_test.XXXXXX";
static uint32_t seed;
static const uint8_t nothing[1];

/* libmaxminddb before 1.12 loses memory if metadata are corrupt. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) {
    return "leak:libmaxminddb\n";
}

const char *__lsan_default_options(void);
const char *__lsan_default_options(void) {
    return "print_suppressions=0";
}

static uint32_t random_below(uint32_t n) {
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % n;
}

static fraud_geo_t *open_database(const char *name) {
    char path[PATH_SIZE];
    fraud_err_t err = {0, 0, ""};
    fraud_geo_t *geo = NULL;

    snprintf(path, sizeof(path), "%s/%s", databases, name);
    if (fraud_geo_open(&geo, NULL, path, &err) != FRAUD_OK) {
        fail_msg("%s: %s", path, err.why);
    }
    return geo;
}

static fraud_rc find(const fraud_geo_t *geo, const char *address,
                     fraud_geo_record_t *record) {
    fraud_ip_t ip;

    assert_int_equal(fraud_ip_parse(&ip, address, strlen(address)), FRAUD_OK);
    return fraud_geo_find(geo, &ip, record);
}

static uint8_t *read_database(const char *name, size_t *len) {
    char path[PATH_SIZE];
    uint8_t *data;
    struct stat info;
    FILE *in;

    snprintf(path, sizeof(path), "%s/%s", databases, name);
    in = fopen(path, "rb");
    assert_non_null(in);
    assert_int_equal(fstat(fileno(in), &info), 0);
    *len = (size_t)info.st_size;
    data = malloc(*len);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, *len, in), *len);
    fclose(in);
    return data;
}

/*
 * Write ${data} over the one scratch file. O_TRUNC would make ext4 flush it to
 * the disk each time.
 */
static const char *write_scratch(const uint8_t *data, size_t len) {
    static char path[PATH_SIZE];
    int fd;

    snprintf(path, sizeof(path), "%s/scratch.mmdb", scratch);
    fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, len), len);
    assert_int_equal(ftruncate(fd, (off_t)len), 0);
    assert_int_equal(close(fd), 0);
    return path;
}

/* A record may be wrong when the database is; it is never out of range. */
static void check_record(const fraud_geo_record_t *record) {
    assert_in_range(strlen(record->country), 0, 2);
    assert_in_range(record->latitude_e4 + 900000, 0, 1800000);
    assert_in_range(record->longitude_e4 + 1800000, 0, 3600000);
    assert_in_range(record->has_location, 0, 1);
    assert_in_range(record->flags, 0, 0x1f);
}

/* Open what may be corrupt and, if that succeeds, look around in it. */
static fraud_rc survive(const char *path) {
    static const char *const addresses[] = {
        "0.0.0.0",        "81.2.69.160",    "89.160.20.112",
        "192.0.2.0",      "192.0.2.255",    "198.51.100.1",
        "198.51.100.200", "203.0.113.1",    "203.0.113.20",
        "203.0.113.100",  "203.0.113.255",  "255.255.255.255",
        "::1",            "2001:db8:1::1",  "2001:db8:2::1",
        "2001:db8:bad::", "2002:c000:201::", "ffff::",
    };
    fraud_geo_record_t record;
    fraud_err_t err = {0, 0, ""};
    fraud_geo_t *geo;
    fraud_rc rc;
    size_t i;

    rc = fraud_geo_open(&geo, NULL, path, &err);
    if (rc != FRAUD_OK) {
        assert_int_not_equal(err.why[0], '\0');
        return rc;
    }
    assert_non_null(fraud_geo_type(geo));
    for (i = 0; i < N(addresses); i++) {
        memset(&record, 0, sizeof(record));
        (void)find(geo, addresses[i], &record);
        check_record(&record);
    }
    fraud_geo_free(geo);
    return FRAUD_OK;
}

typedef struct {
    const char *address;
    fraud_rc rc;
    fraud_geo_record_t want;
} find_case_t;

static void check_cases(const char *name, const find_case_t *cases, size_t n) {
    fraud_geo_t *geo = open_database(name);
    const fraud_geo_record_t *want;
    fraud_geo_record_t got;
    fraud_rc rc;
    size_t i;

    for (i = 0; i < n; i++) {
        memset(&got, 0, sizeof(got));
        want = &cases[i].want;
        rc = find(geo, cases[i].address, &got);
        if (rc != cases[i].rc || strcmp(got.country, want->country) != 0 ||
            got.asn != want->asn || got.flags != want->flags ||
            got.latitude_e4 != want->latitude_e4 ||
            got.longitude_e4 != want->longitude_e4 ||
            got.accuracy_km != want->accuracy_km ||
            got.has_location != want->has_location) {
            fail_msg("%s %s: rc %d '%s' AS%u %x %d %d %u %u", name,
                     cases[i].address, (int)rc, got.country, got.asn,
                     got.flags, got.latitude_e4, got.longitude_e4,
                     got.accuracy_km, got.has_location);
        }
    }
    fraud_geo_free(geo);
}

static void test_city(void **state) {
    static const find_case_t cases[] = {
        {"81.2.69.160", FRAUD_OK, {"GB", 0, 0, 515142, -931, 10, 1}},
        {"89.160.20.112", FRAUD_OK, {"SE", 0, 0, 584167, 156167, 76, 1}},
        {"192.0.2.0", FRAUD_OK, {"US", 0, 0, 407128, -740060, 20, 1}},
        {"192.0.2.255", FRAUD_OK, {"US", 0, 0, 407128, -740060, 20, 1}},
        {"192.0.3.0", FRAUD_NOTFOUND, {"", 0, 0, 0, 0, 0, 0}},
        {"192.0.1.255", FRAUD_NOTFOUND, {"", 0, 0, 0, 0, 0, 0}},
        {"198.51.100.127", FRAUD_OK, {"DE", 0, 0, 525200, 134050, 50, 1}},
        {"198.51.100.128", FRAUD_OK, {"JP", 0, 0, 0, 0, 0, 0}},
        {"203.0.113.9", FRAUD_OK, {"AU", 0, 0, -338688, 1512093, 1000, 1}},
        {"::ffff:192.0.2.1", FRAUD_OK, {"US", 0, 0, 407128, -740060, 20, 1}},
        {"2002:c000:201::", FRAUD_OK, {"US", 0, 0, 407128, -740060, 20, 1}},
        {"2001:db8:1::1", FRAUD_OK, {"FR", 0, 0, 488566, 23522, 5, 1}},
        {"2001:db8:2::1", FRAUD_OK, {"FJ", 0, 0, -900000, -1800000, 1, 1}},
        {"2001:db8:3::1", FRAUD_NOTFOUND, {"", 0, 0, 0, 0, 0, 0}},
    };

    (void)state;
    check_cases("city.mmdb", cases, N(cases));
}

static void test_country_and_asn(void **state) {
    static const find_case_t country[] = {
        {"81.2.69.160", FRAUD_OK, {"GB", 0, 0, 0, 0, 0, 0}},
        {"2001:db8:1::", FRAUD_OK, {"FR", 0, 0, 0, 0, 0, 0}},
        {"203.0.113.127", FRAUD_OK, {"AU", 0, 0, 0, 0, 0, 0}},
        {"203.0.113.128", FRAUD_OK, {"", 0, 0, 0, 0, 0, 0}},
        {"8.8.8.8", FRAUD_NOTFOUND, {"", 0, 0, 0, 0, 0, 0}},
    };
    static const find_case_t asn[] = {
        {"81.2.69.160", FRAUD_OK, {"", 20712, 0, 0, 0, 0, 0}},
        {"203.0.113.254", FRAUD_OK, {"", 64498, 0, 0, 0, 0, 0}},
        {"203.0.113.255", FRAUD_OK, {"", 4294967294u, 0, 0, 0, 0, 0}},
        {"2001:db8:1::", FRAUD_OK, {"", 65536, 0, 0, 0, 0, 0}},
        {"::", FRAUD_NOTFOUND, {"", 0, 0, 0, 0, 0, 0}},
    };

    (void)state;
    check_cases("country.mmdb", country, N(country));
    check_cases("asn.mmdb", asn, N(asn));
}

static void test_anonymous(void **state) {
    static const struct {
        const char *address;
        uint32_t flags;
    } cases[] = {
        {"203.0.113.1", FRAUD_GEO_TOR},
        {"203.0.113.17", FRAUD_GEO_VPN},
        {"203.0.113.33", FRAUD_GEO_HOSTING},
        {"203.0.113.49", FRAUD_GEO_PROXY},
        {"203.0.113.65", FRAUD_GEO_PROXY},
        {"203.0.113.81", 0},
        {"203.0.113.97", FRAUD_GEO_VPN | FRAUD_GEO_HOSTING},
        {"2001:db8:bad::1", FRAUD_GEO_HOSTING},
    };
    fraud_geo_t *geo = open_database("anonymous.mmdb");
    fraud_geo_record_t record;
    size_t i;

    (void)state;
    for (i = 0; i < N(cases); i++) {
        memset(&record, 0, sizeof(record));
        assert_int_equal(find(geo, cases[i].address, &record), FRAUD_OK);
        assert_int_equal(record.flags,
                         cases[i].flags | FRAUD_GEO_ANONYMOUS);
    }
    memset(&record, 0, sizeof(record));
    assert_int_equal(find(geo, "203.0.113.112", &record), FRAUD_NOTFOUND);
    assert_int_equal(record.flags, 0);
    fraud_geo_free(geo);
}

/* Flat fields, coordinates as floats, no IPv6. */
static void test_flat_ipv4(void **state) {
    static const find_case_t cases[] = {
        {"81.2.69.160", FRAUD_OK, {"GB", 20712, 0, 515142, -931, 0, 1}},
        {"192.0.2.1", FRAUD_OK, {"US", 64496, 0, 407128, -740060, 0, 1}},
        {"198.51.100.1", FRAUD_OK, {"", 64497, 0, 525200, 134050, 0, 1}},
        {"203.0.113.1", FRAUD_OK, {"AU", 64498, 0, -338688, 1512093, 0, 1}},
        {"::ffff:192.0.2.1",
         FRAUD_OK,
         {"US", 64496, 0, 407128, -740060, 0, 1}},
        {"10.0.0.1", FRAUD_NOTFOUND, {"", 0, 0, 0, 0, 0, 0}},
        {"2001:db8:1::1", FRAUD_NOTFOUND, {"", 0, 0, 0, 0, 0, 0}},
        {"::1", FRAUD_NOTFOUND, {"", 0, 0, 0, 0, 0, 0}},
    };

    (void)state;
    check_cases("ipv4-only.mmdb", cases, N(cases));
}

static void test_records_add_up(void **state) {
    static const char *const names[] = {"anonymous.mmdb", "asn.mmdb",
                                        "city.mmdb", "country.mmdb"};
    fraud_geo_record_t record;
    fraud_geo_t *geo;
    size_t i;

    (void)state;
    memset(&record, 0, sizeof(record));
    for (i = 0; i < N(names); i++) {
        geo = open_database(names[i]);
        assert_int_equal(find(geo, "203.0.113.1", &record), FRAUD_OK);
        (void)find(geo, "8.8.8.8", &record);
        fraud_geo_free(geo);
    }
    assert_string_equal(record.country, "AU");
    assert_int_equal(record.asn, 64498);
    assert_int_equal(record.flags, FRAUD_GEO_ANONYMOUS | FRAUD_GEO_TOR);
    assert_int_equal(record.latitude_e4, -338688);
    assert_int_equal(record.accuracy_km, 1000);
}

static void test_metadata(void **state) {
    fraud_geo_t *geo = open_database("city.mmdb");

    (void)state;
    assert_string_equal(fraud_geo_type(geo), "GeoLite2-City");
    assert_true(fraud_geo_build_epoch(geo) > 1500000000u);
    fraud_geo_free(geo);
    fraud_geo_free(NULL);
}

/*
 * The first records have no place: the type says that others do. Corrupt data
 * are reported and leave the record as it was.
 */
static void test_bad_place(void **state) {
    fraud_geo_t *geo = open_database("bad-place.mmdb");
    fraud_geo_record_t record;

    (void)state;
    memset(&record, 0, sizeof(record));
    assert_int_equal(find(geo, "192.0.0.1", &record), FRAUD_OK);
    assert_int_equal(record.latitude_e4, 80000);
    assert_int_equal(find(geo, "192.0.2.1", &record), FRAUD_EINVAL);
    assert_int_equal(record.latitude_e4, 80000);
    fraud_geo_free(geo);
}

static fraud_rc open_path(const char *path) {
    fraud_err_t err = {0, 0, ""};
    fraud_geo_t *geo;
    fraud_rc rc;

    rc = fraud_geo_open(&geo, NULL, path, &err);
    if (rc == FRAUD_OK) {
        fraud_geo_free(geo);
    } else {
        assert_int_not_equal(err.why[0], '\0');
    }
    return rc;
}

static void test_open_refuses(void **state) {
    static const uint8_t junk[] = "no database at all";
    char path[PATH_SIZE];

    (void)state;
    assert_int_equal(open_path("/nonexistent/city.mmdb"), FRAUD_EIO);
    assert_int_equal(open_path(scratch), FRAUD_EIO);
    assert_int_equal(open_path("/dev/null"), FRAUD_EIO);
    snprintf(path, sizeof(path), "%s/fifo", scratch);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(open_path(path), FRAUD_EIO);
    assert_int_equal(unlink(path), 0);

    assert_int_equal(open_path(write_scratch(nothing, 0)), FRAUD_EINVAL);
    assert_int_equal(open_path(write_scratch(junk, sizeof(junk))),
                     FRAUD_EINVAL);
    snprintf(path, sizeof(path), "%s/unused.mmdb", databases);
    assert_int_equal(open_path(path), FRAUD_EINVAL);
}

static void test_open_limit(void **state) {
    const char *path = write_scratch(nothing, 0);

    (void)state;
    assert_int_equal(truncate(path, (off_t)FRAUD_GEO_MAX_BYTES + 1), 0);
    assert_int_equal(open_path(path), FRAUD_ELIMIT);
    assert_int_equal(truncate(path, 0), 0);
}

static size_t open_descriptors(void) {
    DIR *dir = opendir("/proc/self/fd");
    size_t n = 0;

    assert_non_null(dir);
    while (readdir(dir) != NULL) {
        n++;
    }
    closedir(dir);
    return n;
}

/* Maps of copies, which LeakSanitizer does not see. */
static size_t open_maps(void) {
    FILE *in = fopen("/proc/self/maps", "r");
    char line[PATH_SIZE];
    size_t n = 0;

    assert_non_null(in);
    while (fgets(line, sizeof(line), in) != NULL) {
        n += strstr(line, "fraud_geo") != NULL;
    }
    fclose(in);
    return n;
}

static void test_allocation_failure(void **state) {
    char path[PATH_SIZE];
    fraud_err_t err = {0, 0, ""};
    fraud_geo_t *geo = NULL;
    failmem_t fail;
    fraud_rc rc;
    size_t n;

    (void)state;
    snprintf(path, sizeof(path), "%s/city.mmdb", databases);
    for (n = 1;; n++) {
        failmem_init(&fail, n);
        rc = fraud_geo_open(&geo, &fail.mem, path, &err);
        if (!fail.failed) {
            break;
        }
        assert_int_equal(rc, FRAUD_ENOMEM);
        assert_int_equal(fail.live, 0);
    }
    assert_int_equal(rc, FRAUD_OK);
    assert_true(n > 1);
    fraud_geo_free(geo);
    assert_int_equal(fail.live, 0);

    failmem_init(&fail, 0);
    snprintf(path, sizeof(path), "%s/unused.mmdb", databases);
    assert_int_equal(fraud_geo_open(&geo, &fail.mem, path, &err),
                     FRAUD_EINVAL);
    assert_int_equal(fraud_geo_open(&geo, &fail.mem, "/nonexistent", &err),
                     FRAUD_EIO);
    assert_int_equal(fail.live, 0);
}

/* Nothing stays open or mapped, whether a database was opened or refused. */
static void test_releases(void **state) {
    size_t descriptors = open_descriptors();
    size_t maps = open_maps();
    fraud_geo_t *geo = open_database("city.mmdb");
    char path[PATH_SIZE];

    (void)state;
    assert_int_equal(open_descriptors(), descriptors);
    assert_int_equal(open_maps(), maps + 1);
    fraud_geo_free(geo);
    assert_int_equal(open_path(scratch), FRAUD_EIO);
    assert_int_equal(open_path(write_scratch(nothing, 0)), FRAUD_EINVAL);
    snprintf(path, sizeof(path), "%s/unused.mmdb", databases);
    assert_int_equal(open_path(path), FRAUD_EINVAL);
    assert_int_equal(open_descriptors(), descriptors);
    assert_int_equal(open_maps(), maps);
}

/* The file may be truncated and overwritten under an open database. */
static void test_file_changes(void **state) {
    fraud_geo_record_t record;
    fraud_err_t err;
    fraud_geo_t *geo;
    const char *path;
    uint8_t *data;
    size_t len;

    (void)state;
    data = read_database("country.mmdb", &len);
    path = write_scratch(data, len);
    assert_int_equal(fraud_geo_open(&geo, NULL, path, &err), FRAUD_OK);
    memset(data, 0xff, len);
    (void)write_scratch(data, len);
    (void)write_scratch(nothing, 0);
    memset(&record, 0, sizeof(record));
    assert_int_equal(find(geo, "192.0.2.1", &record), FRAUD_OK);
    assert_string_equal(record.country, "US");
    fraud_geo_free(geo);
    free(data);
}

/*
 * Every length of two databases. What ends within the metadata may still be
 * complete enough; what has none is refused.
 */
static void test_truncated(void **state) {
    static const char *const names[] = {"city.mmdb", "ipv4-only.mmdb"};
    static const char marker[] = "\xab\xcd\xefMaxMind.com";
    size_t i, len, n, metadata;
    uint8_t *data;
    fraud_rc rc;

    (void)state;
    for (i = 0; i < N(names); i++) {
        data = read_database(names[i], &len);
        for (metadata = 0;
             memcmp(data + metadata, marker, sizeof(marker) - 1) != 0;
             metadata++) {
        }
        for (n = 0; n < len; n++) {
            rc = survive(write_scratch(data, n));
            if (n < metadata + 100) {
                assert_int_equal(rc, FRAUD_EINVAL);
            }
        }
        assert_int_equal(survive(write_scratch(data, len)), FRAUD_OK);
        free(data);
    }
}

/* Metadata that end the file at the end of a page: nothing is read past it. */
static void test_page_edge(void **state) {
    static const char marker[] = "\xab\xcd\xefMaxMind.com";
    static const uint8_t tails[][2] = {{0xff, 0xff}, {0xfe, 0xfe}, {0, 0x40}};
    uint8_t page[4096];
    size_t i, n, at;

    (void)state;
    for (n = 0; n <= 2; n++) {
        for (i = 0; i < N(tails); i++) {
            memset(page, 0, sizeof(page));
            at = sizeof(page) - n - (sizeof(marker) - 1);
            memcpy(page + at, marker, sizeof(marker) - 1);
            memcpy(page + sizeof(page) - n, tails[i], n);
            assert_int_equal(survive(write_scratch(page, sizeof(page))),
                             FRAUD_EINVAL);
        }
    }
}

/* 2^29 nodes of eight bytes too many: the size is the old one in 32 bits. */
static void test_tree_size(void **state) {
    uint8_t *data, *count, *longer;
    fraud_geo_t *geo;
    fraud_err_t err;
    size_t len, at;

    (void)state;
    data = read_database("asn.mmdb", &len);
    count = memmem(data, len, "node_count", 10);
    assert_non_null(count);
    at = (size_t)(count - data) + 10;
    assert_int_equal(data[at], 0xc2); /* an uint32 in two bytes gets four */
    longer = malloc(len + 2);
    assert_non_null(longer);
    memcpy(longer, data, at);
    memcpy(longer + at, "\xc4\x20\x00", 3);
    memcpy(longer + at + 3, data + at + 1, len - at - 1);
    assert_int_equal(
        fraud_geo_open(&geo, NULL, write_scratch(longer, len + 2), &err),
        FRAUD_EINVAL);
    assert_non_null(strstr(err.why, "tree larger"));
    free(longer);
    free(data);
}

static void test_flipped(void **state) {
    static const char *const names[] = {"city.mmdb", "country.mmdb",
                                        "asn.mmdb", "anonymous.mmdb",
                                        "ipv4-only.mmdb"};
    size_t i, j, len, flips, opened = 0;
    uint8_t *data, *copy;

    (void)state;
    seed = 7;
    for (i = 0; i < N(names); i++) {
        data = read_database(names[i], &len);
        copy = malloc(len);
        assert_non_null(copy);
        for (j = 0; j < 2000; j++) {
            memcpy(copy, data, len);
            for (flips = 1 + random_below(8); flips > 0; flips--) {
                copy[random_below((uint32_t)len)] ^=
                    (uint8_t)(1u << random_below(8));
            }
            opened += survive(write_scratch(copy, len)) == FRAUD_OK;
        }
        free(copy);
        free(data);
    }
    assert_in_range(opened, 500, 9500);
}

static int make_databases(void **state) {
    const char *given = getenv("FRAUD_TEST_MMDB");
    char source[] = __FILE__;
    char command[PATH_SIZE * 2];
    char *slash;

    (void)state;
    if (mkdtemp(scratch) == NULL) {
        return -1;
    }
    if (given != NULL) {
        snprintf(databases, sizeof(databases), "%s", given);
        return 0;
    }
    snprintf(databases, sizeof(databases), "%s", scratch);
    slash = strrchr(source, '/');
    snprintf(command, sizeof(command), "perl '%.*s/../mmdb.pl' '%s'",
             slash != NULL ? (int)(slash - source) : 1,
             slash != NULL ? source : ".", databases);
    return system(command) == 0 ? 0 : -1;
}

static int remove_databases(void **state) {
    char command[PATH_SIZE];

    (void)state;
    snprintf(command, sizeof(command), "rm -rf '%s'", scratch);
    return system(command) == 0 ? 0 : -1;
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_city),
        cmocka_unit_test(test_country_and_asn),
        cmocka_unit_test(test_anonymous),
        cmocka_unit_test(test_flat_ipv4),
        cmocka_unit_test(test_records_add_up),
        cmocka_unit_test(test_metadata),
        cmocka_unit_test(test_bad_place),
        cmocka_unit_test(test_open_refuses),
        cmocka_unit_test(test_open_limit),
        cmocka_unit_test(test_allocation_failure),
        cmocka_unit_test(test_releases),
        cmocka_unit_test(test_file_changes),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_page_edge),
        cmocka_unit_test(test_tree_size),
        cmocka_unit_test(test_flipped),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("fraud_geo", tests, make_databases,
                                       remove_databases);
}

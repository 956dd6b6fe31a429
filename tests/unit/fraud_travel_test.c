/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_travel.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define HALF_TURN 20015114.4 /* pi times the mean radius, in metres */
#define HOUR_US 3600000000u

static const fraud_place_t origin = {0, 0, 1};
static uint64_t random_state;

static uint32_t any_u32(void) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 32);
}

static int32_t between(int32_t min, int32_t max) {
    return (int32_t)(any_u32() % (uint32_t)(max - min + 1)) + min;
}

static fraud_place_t any_place(void) {
    fraud_place_t place = {0, 0, 0};

    place.latitude_e4 = between(-900000, 900000);
    place.longitude_e4 = between(-1800000, 1800000);
    return place;
}

static uint64_t distance(int32_t latitude, int32_t longitude, int32_t latitude2,
                         int32_t longitude2) {
    fraud_place_t from = {latitude, longitude, 0};
    fraud_place_t to = {latitude2, longitude2, 0};

    return fraud_travel_distance(&from, &to);
}

static void check_metres(uint64_t metres, double want, double tolerance) {
    if (fabs((double)metres - want) > tolerance) {
        fail_msg("%.0f m, not %.1f m", (double)metres, want);
    }
}

/* Geodesics on the WGS 84 ellipsoid, which the sphere misses by 0.45 %. */
static void test_cities(void **state) {
    static const struct {
        int32_t from[2], to[2];
        double metres;
    } cases[] = {
        {{515074, -1278}, {407128, -740060}, 5585234},     /* London-New York */
        {{525200, 134050}, {488566, 23522}, 879699},       /* Berlin-Paris */
        {{356762, 1396503}, {-338688, 1512093}, 7792175},  /* Tokyo-Sydney */
        {{340522, -1182437}, {356762, 1396503}, 8838470},  /* L. A.-Tokyo */
        {{-368485, 1747633}, {213069, -1578583}, 7050148}, /* to Honolulu */
        {{-339249, 184241}, {-346037, -583816}, 6884648},  /* Cape-B. Aires */
        {{-181248, 1784501}, {-138507, -1717514}, 1150185}, /* Suva-Apia */
        {{641466, -219426}, {557558, 376173}, 3319181},     /* Iceland-Moscow */
        {{13521, 1038198}, {-1807, -784678}, 19743446},   /* Singapore-Quito */
        {{612181, -1499003}, {557558, 376173}, 7016046},  /* over the pole */
        {{404168, -37038}, {-412866, 1747756}, 19854566}, /* to Wellington */
        {{535511, 99937}, {556761, 125683}, 289133}, /* Hamburg-Copenhagen */
    };
    size_t i;

    (void)state;
    for (i = 0; i < N(cases); i++) {
        check_metres(distance(cases[i].from[0], cases[i].from[1],
                              cases[i].to[0], cases[i].to[1]),
                     cases[i].metres, cases[i].metres * 0.005);
    }
}

static void test_sphere(void **state) {
    (void)state;
    check_metres(distance(0, 0, 0, 10000), HALF_TURN / 180, 0.6);
    check_metres(distance(0, 0, 10000, 0), HALF_TURN / 180, 0.6);
    check_metres(distance(0, 0, 0, 1), 11.1, 0.6);
    check_metres(distance(600000, 0, 600000, 1), 5.6, 0.6);
    /* poles, whatever their longitude */
    check_metres(distance(900000, 0, -900000, 0), HALF_TURN, 0.6);
    check_metres(distance(900000, -1234567, -900000, 1800000), HALF_TURN, 0.6);
    check_metres(distance(0, 777777, 900000, -1800000), HALF_TURN / 2, 0.6);
    check_metres(distance(-900000, 5, 0, 1000000), HALF_TURN / 2, 0.6);
    assert_int_equal(distance(900000, 0, 900000, 1234567), 0);
    assert_int_equal(distance(-900000, -1800000, -900000, 1), 0);
    /* the antimeridian has two names */
    assert_int_equal(distance(100000, 1800000, 100000, -1800000), 0);
    check_metres(distance(0, 1799999, 0, -1799999), 22.2, 0.6);
    check_metres(distance(0, 1700000, 0, -1700000), HALF_TURN / 9, 0.6);
    /* antipodes */
    check_metres(distance(0, 0, 0, 1800000), HALF_TURN, 0.6);
    check_metres(distance(0, -900000, 0, 900000), HALF_TURN, 0.6);
    check_metres(distance(-899926, 0, 899926, 1800000), HALF_TURN, 0.6);
}

static void to_vector(long double *v, const fraud_place_t *place) {
    const long double radians = acosl(-1) / 1800000;
    long double latitude = place->latitude_e4 * radians;
    long double longitude = place->longitude_e4 * radians;

    v[0] = cosl(latitude) * cosl(longitude);
    v[1] = cosl(latitude) * sinl(longitude);
    v[2] = sinl(latitude);
}

/* The same angle by vectors, well conditioned everywhere. */
static double reference(const fraud_place_t *from, const fraud_place_t *to) {
    long double a[3], b[3], x, y, z;

    to_vector(a, from);
    to_vector(b, to);
    x = a[1] * b[2] - a[2] * b[1];
    y = a[2] * b[0] - a[0] * b[2];
    z = a[0] * b[1] - a[1] * b[0];
    return (double)(6371008.8L *
                    atan2l(sqrtl(x * x + y * y + z * z),
                           a[0] * b[0] + a[1] * b[1] + a[2] * b[2]));
}

static void test_random_places(void **state) {
    fraud_place_t from, to;
    uint64_t metres;
    int i;

    (void)state;
    random_state = 1;
    for (i = 0; i < 100000; i++) {
        from = any_place();
        to = any_place();
        if (i % 4 == 0) { /* close by */
            to.latitude_e4 = from.latitude_e4 / 2 * 2;
            to.longitude_e4 = from.longitude_e4 / 100 * 100;
        } else if (i % 4 == 1) { /* about its antipodes */
            to.latitude_e4 = -from.latitude_e4;
            to.longitude_e4 =
                from.longitude_e4 +
                (from.longitude_e4 > 0 ? -1 : 1) * (1800000 - between(0, 3));
        }
        metres = fraud_travel_distance(&from, &to);
        check_metres(metres, reference(&from, &to), 0.75);
        assert_int_equal(fraud_travel_distance(&to, &from), metres);
        assert_int_equal(fraud_travel_distance(&from, &from), 0);
    }
}

static void test_pack(void **state) {
    static const fraud_geo_record_t geo = {"AU",    64498, 0, -338688,
                                           1512093, 1000,  1};
    static const uint8_t want[FRAUD_TRAVEL_LEN] = {
        0x00, 0xd5, 0xfa, 0xff, 0x9d, 0x12, 0x17, 0x00, 0xe8, 0x03, 0x00, 0x00};
    uint8_t bytes[FRAUD_TRAVEL_LEN + 1];
    fraud_place_t place;

    (void)state;
    memset(bytes, 0x5a, sizeof(bytes));
    fraud_travel_pack(bytes, &geo);
    assert_memory_equal(bytes, want, sizeof(want));
    assert_int_equal(bytes[FRAUD_TRAVEL_LEN], 0x5a);
    assert_int_equal(fraud_travel_unpack(&place, bytes, FRAUD_TRAVEL_LEN),
                     FRAUD_OK);
    assert_int_equal(place.latitude_e4, -338688);
    assert_int_equal(place.longitude_e4, 1512093);
    assert_int_equal(place.accuracy_km, 1000);
}

static void test_pack_bounds(void **state) {
    static const struct {
        int32_t latitude, longitude;
        fraud_rc rc;
    } cases[] = {
        {0, 0, FRAUD_OK},
        {900000, 1800000, FRAUD_OK},
        {-900000, -1800000, FRAUD_OK},
        {900001, 0, FRAUD_EINVAL},
        {-900001, 0, FRAUD_EINVAL},
        {0, 1800001, FRAUD_EINVAL},
        {0, -1800001, FRAUD_EINVAL},
        {INT32_MAX, INT32_MAX, FRAUD_EINVAL},
        {INT32_MIN, INT32_MIN, FRAUD_EINVAL},
        {INT32_MIN, 0, FRAUD_EINVAL},
        {0, INT32_MIN, FRAUD_EINVAL},
    };
    fraud_geo_record_t geo = {"", 0, 0, 0, 0, UINT32_MAX, 1};
    uint8_t bytes[FRAUD_TRAVEL_LEN];
    fraud_place_t place;
    size_t i;

    (void)state;
    for (i = 0; i < N(cases); i++) {
        geo.latitude_e4 = cases[i].latitude;
        geo.longitude_e4 = cases[i].longitude;
        fraud_travel_pack(bytes, &geo);
        assert_int_equal(fraud_travel_unpack(&place, bytes, sizeof(bytes)),
                         cases[i].rc);
        if (cases[i].rc == FRAUD_OK) {
            assert_int_equal(place.latitude_e4, cases[i].latitude);
            assert_int_equal(place.longitude_e4, cases[i].longitude);
            assert_int_equal(place.accuracy_km, UINT32_MAX);
        }
    }
}

/* Any bytes, each time at the end of what may be read. */
static void test_garbage(void **state) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *memory = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    fraud_place_t place;
    uint8_t *bytes;
    size_t i, len, known = 0;

    (void)state;
    assert_true(memory != MAP_FAILED);
    assert_int_equal(mprotect(memory + page, page, PROT_NONE), 0);
    for (len = 0; len <= 32; len++) {
        if (len != FRAUD_TRAVEL_LEN) {
            assert_int_equal(
                fraud_travel_unpack(&place, memory + page - len, len),
                FRAUD_EINVAL);
        }
    }
    bytes = memory + page - FRAUD_TRAVEL_LEN;
    assert_int_equal(fraud_travel_unpack(&place, bytes, SIZE_MAX),
                     FRAUD_EINVAL);
    random_state = 2;
    for (i = 0; i < 200000; i++) {
        for (len = 0; len < FRAUD_TRAVEL_LEN; len++) {
            bytes[len] = (uint8_t)(any_u32() & 0xff);
        }
        /* mostly small enough to be coordinates */
        bytes[3] = bytes[7] = i % 2 == 0 ? 0 : 0xff;
        bytes[2] &= i % 2 == 0 ? 0x0f : 0xff;
        bytes[2] |= i % 2 == 0 ? 0 : 0xf0;
        if (fraud_travel_unpack(&place, bytes, FRAUD_TRAVEL_LEN) != FRAUD_OK) {
            continue;
        }
        known++;
        assert_in_range(place.latitude_e4 + 900000, 0, 1800000);
        assert_in_range(place.longitude_e4 + 1800000, 0, 3600000);
        assert_true(fraud_travel_distance(&origin, &place) <= 20015115);
        (void)fraud_travel_impossible(&place, &origin, any_u32(), any_u32(),
                                      any_u32() % 20000);
    }
    assert_true(known > 1000 && known < 199000);
    assert_int_equal(munmap(memory, 2 * page), 0);
}

/* Ten degrees of the equator: 1,111,951 m, less what is not known. */
static void test_impossible(void **state) {
    static const struct {
        uint32_t accuracy[2];
        uint64_t age_us;
        uint32_t speed, distance;
        int want;
    } cases[] = {
        {{1, 1}, HOUR_US, 1000, 100, 1},
        {{1, 1}, 2ull * HOUR_US, 1000, 100, 0},
        /* to the microsecond */
        {{1, 1}, 3995823600u, 1000, 100, 0},
        {{1, 1}, 3995823599u, 1000, 100, 1},
        {{1, 1}, 3995823600u, 999, 100, 1},
        /* how far is far */
        {{1, 1}, 0, 1000, 1109, 1},
        {{1, 1}, 0, 1000, 1110, 0},
        {{1, 1}, 0, 1000, UINT32_MAX, 0},
        {{1, 1}, 0, 1000, 4294968, 0}, /* 704 m if cut to 32 bits */
        {{1, 1}, 0, 1000, 0, 1},
        /* a place that does not say is known to 100 km */
        {{0, 0}, 0, 1000, 911, 1},
        {{0, 0}, 0, 1000, 912, 0},
        {{0, 1}, 0, 1000, 1010, 1},
        {{0, 1}, 0, 1000, 1011, 0},
        {{1, 0}, 0, 1000, 1010, 1},
        {{1, 0}, 0, 1000, 1011, 0},
        {{100, 100}, 0, 1000, 911, 1},
        {{100, 100}, 0, 1000, 912, 0},
        /* what overlaps is no travel at all */
        {{1, 1110}, 0, 1, 0, 1},
        {{1, 1111}, 0, 1, 0, 0},
        {{1000, 1000}, 0, 1, 0, 0},
        {{UINT32_MAX, UINT32_MAX}, 0, 0, 0, 0},
        /* ages and speeds without bounds */
        {{1, 1}, 0, UINT32_MAX, 100, 1},
        {{1, 1}, 1, UINT32_MAX, 100, 1},
        {{1, 1}, UINT64_MAX, UINT32_MAX, 100, 0},
        {{1, 1}, UINT64_MAX, 1, 100, 0},
        {{1, 1}, (uint64_t)1 << 52, 1000, 100, 0},
        {{1, 1}, (uint64_t)1 << 32, 1, 100, 1},
        {{1, 1}, 0, 0, 100, 1},
        {{1, 1}, UINT64_MAX, 0, 100, 1},
    };
    fraud_place_t from = origin, to = {0, 100000, 0};
    int forth, back;
    size_t i;

    (void)state;
    assert_int_equal(fraud_travel_distance(&from, &to), 1111951);
    for (i = 0; i < N(cases); i++) {
        from.accuracy_km = cases[i].accuracy[0];
        to.accuracy_km = cases[i].accuracy[1];
        forth = fraud_travel_impossible(&from, &to, cases[i].age_us,
                                        cases[i].speed, cases[i].distance);
        back = fraud_travel_impossible(&to, &from, cases[i].age_us,
                                       cases[i].speed, cases[i].distance);
        if (forth != cases[i].want || back != cases[i].want) {
            fail_msg("case %u: %d, %d back", (unsigned)i, forth, back);
        }
    }
}

/* One who stays is never suspect, however precise the database. */
static void test_same_place(void **state) {
    fraud_place_t place;
    int i;

    (void)state;
    random_state = 3;
    for (i = 0; i < 1000; i++) {
        place = any_place();
        place.accuracy_km = any_u32() % 3;
        assert_int_equal(fraud_travel_impossible(&place, &place, 0, 0, 0), 0);
    }
}

/* Exactly ${distance} km is not over it. */
static void test_distance_bound(void **state) {
    fraud_place_t to = {0, 100000, 1};
    uint32_t km;

    (void)state;
    while (fraud_travel_distance(&origin, &to) % 1000 != 0) {
        to.longitude_e4++;
        assert_true(to.longitude_e4 < 1800000);
    }
    km = (uint32_t)(fraud_travel_distance(&origin, &to) / 1000 - 2);
    assert_int_equal(fraud_travel_impossible(&origin, &to, 0, 1, km), 0);
    assert_int_equal(fraud_travel_impossible(&origin, &to, 0, 1, km - 1), 1);
}

static void test_against_fractions(void **state) {
    fraud_place_t from, to;
    uint64_t age, slack;
    uint32_t speed, km;
    __int128 left;
    int i, want, seen = 0;

    (void)state;
    random_state = 4;
    for (i = 0; i < 200000; i++) {
        from = any_place();
        to = any_place();
        from.accuracy_km = any_u32() % 4 == 0 ? 0 : any_u32() % 5000;
        to.accuracy_km = any_u32() % 4 == 0 ? 0 : any_u32() % 5000;
        age = ((uint64_t)any_u32() << 32 | any_u32()) >> any_u32() % 64;
        speed = any_u32() >> any_u32() % 32;
        km = any_u32() % 20000;
        slack = from.accuracy_km != 0 ? from.accuracy_km : 100;
        slack += to.accuracy_km != 0 ? to.accuracy_km : 100;
        left = (__int128)fraud_travel_distance(&from, &to) -
               (__int128)slack * 1000;
        want = left > (__int128)km * 1000 &&
               left * HOUR_US > (__int128)age * speed * 1000;
        assert_int_equal(fraud_travel_impossible(&from, &to, age, speed, km),
                         want);
        seen += want;
    }
    assert_true(seen > 20000 && seen < 180000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cities),
        cmocka_unit_test(test_sphere),
        cmocka_unit_test(test_random_places),
        cmocka_unit_test(test_pack),
        cmocka_unit_test(test_pack_bounds),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_impossible),
        cmocka_unit_test(test_same_place),
        cmocka_unit_test(test_distance_bound),
        cmocka_unit_test(test_against_fractions),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

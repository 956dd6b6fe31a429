/* SPDX-License-Identifier: BSD-2-Clause */

#include "fraud_travel.h"

#include <math.h>

#define LATITUDE_MAX 900000 /* 1/10,000 degree */
#define LONGITUDE_MAX 1800000
#define RADIUS_M 6371008.8 /* mean radius of the Earth, IUGG 1980 */
#define RADIANS (3.14159265358979323846 / 1800000)
#define UNKNOWN_KM 100
#define US_KM_H_PER_M 3600000u /* microseconds * km/h that make a metre */

static void put_u32(uint8_t *p, uint32_t value) {
    int i;

    for (i = 0; i < 4; i++) {
        p[i] = (uint8_t)(value >> 8 * i & 0xff);
    }
}

static uint32_t get_u32(const uint8_t *p) {
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
           (uint32_t)p[3] << 24;
}

void fraud_travel_pack(uint8_t *bytes, const fraud_geo_record_t *geo) {
    put_u32(bytes, (uint32_t)geo->latitude_e4);
    put_u32(bytes + 4, (uint32_t)geo->longitude_e4);
    put_u32(bytes + 8, geo->accuracy_km);
}

fraud_rc fraud_travel_unpack(fraud_place_t *place, const uint8_t *bytes,
                             size_t len) {
    int32_t latitude, longitude;

    if (len != FRAUD_TRAVEL_LEN) {
        return FRAUD_EINVAL;
    }
    latitude = (int32_t)get_u32(bytes);
    longitude = (int32_t)get_u32(bytes + 4);
    if (latitude < -LATITUDE_MAX || latitude > LATITUDE_MAX ||
        longitude < -LONGITUDE_MAX || longitude > LONGITUDE_MAX) {
        return FRAUD_EINVAL;
    }
    place->latitude_e4 = latitude;
    place->longitude_e4 = longitude;
    place->accuracy_km = get_u32(bytes + 8);
    return FRAUD_OK;
}

/* Return the haversine of an angle: sin(angle / 2) squared. */
static double haversine(double angle) {
    double half = sin(angle / 2);

    return half * half;
}

uint64_t fraud_travel_distance(const fraud_place_t *from,
                               const fraud_place_t *to) {
    double latitude = from->latitude_e4 * RADIANS;
    double latitude2 = to->latitude_e4 * RADIANS;
    double turn = to->longitude_e4 - from->longitude_e4;
    double h;

    h = haversine(latitude2 - latitude) +
        cos(latitude) * cos(latitude2) * haversine(turn * RADIANS);
    /* rounding may take antipodes past the range of asin() */
    return (uint64_t)(2 * RADIUS_M * asin(sqrt(fmin(h, 1))) + 0.5);
}

/* Return the metres by which the database may have misplaced somebody. */
static uint64_t uncertainty(const fraud_place_t *place) {
    uint64_t km = place->accuracy_km;

    return (km != 0 ? km : UNKNOWN_KM) * 1000;
}

int fraud_travel_impossible(const fraud_place_t *from, const fraud_place_t *to,
                            uint64_t age_us, uint32_t speed,
                            uint32_t distance) {
    uint64_t slack = uncertainty(from) + uncertainty(to);
    uint64_t metres = fraud_travel_distance(from, to);

    if (metres <= slack + (uint64_t)distance * 1000) {
        return 0;
    }
    /* metres * US_KM_H_PER_M > age_us * speed, which might overflow */
    return speed == 0 ||
           age_us <= ((metres - slack) * US_KM_H_PER_M - 1) / speed;
}

/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FRAUD_TRAVEL_H
#define FRAUD_TRAVEL_H

/*
 * Could one traveller have been at both places? Great-circle distance on the
 * mean sphere (haversine, R. W. Sinnott, 1984), shortened by what the
 * database admits not to know.
 */

#include "fraud_geo.h"
#include "fraud_types.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

#define FRAUD_TRAVEL_LEN 12

typedef struct {
    int32_t latitude_e4; /* as in fraud_geo_record_t */
    int32_t longitude_e4;
    uint32_t accuracy_km;
} fraud_place_t;

/*
 * fraud_travel_pack(bytes, geo), fraud_travel_unpack(place, bytes, len):
 * Write the place of ${geo}, which has a location, as FRAUD_TRAVEL_LEN
 * little-endian bytes; read it back (FRAUD_EINVAL unless ${len} is that and
 * the coordinates are on the globe).
 */
void fraud_travel_pack(uint8_t *bytes, const fraud_geo_record_t *geo);
fraud_rc fraud_travel_unpack(fraud_place_t *place, const uint8_t *bytes,
                             size_t len) FRAUD_CHECK;

/*
 * fraud_travel_distance(from, to):
 * Return the distance of two places in metres.
 */
uint64_t fraud_travel_distance(const fraud_place_t *from,
                               const fraud_place_t *to);

/*
 * fraud_travel_impossible(from, to, age_us, speed, distance):
 * Return 1 if the distance, less both accuracy radii (100 km for each place
 * that does not say), is over ${distance} km and more than ${speed} km/h for
 * ${age_us} allow; else 0.
 */
int fraud_travel_impossible(const fraud_place_t *from, const fraud_place_t *to,
                            uint64_t age_us, uint32_t speed, uint32_t distance);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_TRAVEL_H */

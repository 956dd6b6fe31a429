/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FRAUD_GEO_H
#define FRAUD_GEO_H

/*
 * MaxMind databases, also flat ones (country_code, ...): country, coordinates,
 * autonomous system and anonymous-IP flags of an address. A database is copied
 * into anonymous memory when opened, so truncating or overwriting the file
 * cannot fault a process that still reads the old one.
 */

#include "fraud_ip.h"
#include "fraud_mem.h"
#include "fraud_types.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

#define FRAUD_GEO_MAX_BYTES (1024u * 1024 * 1024)

#define FRAUD_GEO_ANONYMOUS 0x01 /* any of the below */
#define FRAUD_GEO_VPN 0x02
#define FRAUD_GEO_HOSTING 0x04
#define FRAUD_GEO_PROXY 0x08 /* public or residential */
#define FRAUD_GEO_TOR 0x10

typedef struct fraud_geo_s fraud_geo_t;

typedef struct {
    char country[3];      /* ISO 3166-1 alpha-2, NUL-terminated; "" unknown */
    uint32_t asn;         /* 0 unknown */
    uint32_t flags;       /* FRAUD_GEO_* */
    int32_t latitude_e4;  /* 1/10,000 degree, -900,000 to 900,000 */
    int32_t longitude_e4; /* 1/10,000 degree, -1,800,000 to 1,800,000 */
    uint32_t accuracy_km; /* radius; 0 unknown */
    uint8_t has_location; /* the two coordinates are known */
} fraud_geo_record_t;

/*
 * fraud_geo_open(geo, mem, path, err):
 * Open the database at ${path} and validate it: metadata, tree within the
 * file, one look-up per family. On success the caller owns ${*geo}.
 * FRAUD_EIO: cannot be opened or read; FRAUD_EINVAL: not a MaxMind database,
 * truncated, or of a kind without any field used here; FRAUD_ELIMIT: larger
 * than FRAUD_GEO_MAX_BYTES; FRAUD_ENOMEM. ${err} has the reason.
 */
fraud_rc fraud_geo_open(fraud_geo_t **geo, const fraud_mem_t *mem,
                        const char *path, fraud_err_t *err) FRAUD_CHECK;

/*
 * fraud_geo_find(geo, ip, record):
 * Add to ${record} what this database knows about ${ip}; fields it does not
 * have stay as they are, so several databases fill one record (the caller
 * zeroes it first). FRAUD_OK, FRAUD_NOTFOUND if the address is not in it,
 * FRAUD_EINVAL if its data are corrupt there; then ${record} is as it was.
 */
fraud_rc fraud_geo_find(const fraud_geo_t *geo, const fraud_ip_t *ip,
                        fraud_geo_record_t *record) FRAUD_CHECK;

/*
 * fraud_geo_type(geo), fraud_geo_build_epoch(geo):
 * Return the database's type name (owned by ${geo}) and its build time in
 * seconds since 1970.
 */
const char *fraud_geo_type(const fraud_geo_t *geo);
uint64_t fraud_geo_build_epoch(const fraud_geo_t *geo);

/*
 * fraud_geo_free(geo):
 * Destroy ${geo}; NULL is a no-op.
 */
void fraud_geo_free(fraud_geo_t *geo);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif /* FRAUD_GEO_H */

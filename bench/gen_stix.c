/*
 * A STIX 2.1 bundle of indicators to import, the same every time: gen_stix COUNT [FIRST] > bundle.json
 *
 * Objects as a platform exports them, about 500 bytes each: domain names, addresses, URLs and hashes, no value twice.
 * Number FIRST (0 unless given) is the first, so that two bundles can hold different indicators.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void die(const char *what)
{
    fprintf(stderr, "gen_stix: %s: %s\n", what, strerror(errno));
    exit(2);
}

/* splitmix64 as a function of its argument: different for different numbers. */
static uint64_t mix(uint64_t z)
{
    z += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* Six of ten are names, two addresses, one a URL, one a SHA-256. */
static void put_pattern(uint64_t number, uint64_t random)
{
    static const char *const zones[] = {"com", "net", "org", "info", "ru", "cn", "top", "xyz"};
    unsigned kind = (unsigned)(number % 10);
    if (kind < 6)
        printf("[domain-name:value = '%" PRIx64 ".host-%" PRIu64 ".%s']", random & 0xffffffff, number,
               zones[random >> 61]);
    else if (kind < 8)
        printf("[ipv4-addr:value = '%u.%u.%u.%u']", 11 + (unsigned)(number >> 24) % 100, (unsigned)(number >> 16) & 255,
               (unsigned)(number >> 8) & 255, (unsigned)number & 255);
    else if (kind < 9)
        printf("[url:value = 'http://site-%" PRIu64 ".example/%" PRIx64 "/gate.php?id=%" PRIu64 "']", number % 9973,
               random, number);
    else
        printf("[file:hashes.'SHA-256' = '%016" PRIx64 "%016" PRIx64 "%016" PRIx64 "%016" PRIx64 "']", random,
               mix(random), mix(random + 1), number);
}

static void put_indicator(uint64_t number)
{
    uint64_t random = mix(number), second = mix(~number);
    unsigned minute = (unsigned)(number % 1440), day = 1 + (unsigned)(number / 1440 % 28);
    char when[32];
    snprintf(when, sizeof(when), "2026-10-%02uT%02u:%02u:%02u.%03uZ", day, minute / 60, minute % 60,
             (unsigned)(random % 60), (unsigned)(second % 1000));
    printf("{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"indicator--%08" PRIx64 "-%04" PRIx64
           "-4%03" PRIx64 "-8%03" PRIx64 "-%012" PRIx64
           "\",\"created\":\"%s\",\"modified\":\"%s\",\"name\":\"Seen in campaign %" PRIu64
           "\",\"description\":\"Contacted by the second stage of the "
           "loader\",\"indicator_types\":[\"malicious-activity\"],"
           "\"pattern\":\"",
           random >> 32, random >> 16 & 0xffff, random & 0xfff, second >> 52, second & UINT64_C(0xffffffffffff), when,
           when, random % 500);
    put_pattern(number, random);
    printf("\",\"pattern_type\":\"stix\",\"valid_from\":\"%s\",\"labels\":[\"campaign-%" PRIu64 "\"]}", when,
           random % 500);
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: gen_stix COUNT [FIRST]\n");
        return 2;
    }
    uint64_t count = strtoull(argv[1], NULL, 10), first = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    printf("{\"type\":\"bundle\",\"id\":\"bundle--5c4bbc4c-9f0f-4c7e-8d0c-1f2d3a4b5c6d\",\"objects\":[\n");
    for (uint64_t i = 0; i < count; i++) {
        if (i > 0)
            fputs(",\n", stdout);
        put_indicator(first + i);
    }
    fputs("\n]}\n", stdout);
    if (fflush(stdout) != 0 || ferror(stdout))
        die("output");
    return 0;
}

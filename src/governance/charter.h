/*
 * What a community agrees on: kind governance/charter, constitutional. The body:
 *
 *   {"name":LINE,"articles":[{"title":LINE,"text":TEXT,"measure"?:LINE},...],
 *    "endorsements":k,"sponsors":s,"notice_days":d}
 *
 * A charter is named by the SHA-256 of its record's text, so whoever states the same text states the same charter. No
 * clock, no database: bytes in, bytes out. PROTOCOL.md, "Communities".
 */
#ifndef TONGZHOU_GOVERNANCE_CHARTER_H
#define TONGZHOU_GOVERNANCE_CHARTER_H

#include "record/record.h"

#define CHARTER_KIND "governance/charter"
#define CHARTER_ARTICLES_MAX 64
#define CHARTER_NAME_MAX 128           /* bytes */
#define CHARTER_LINE_MAX 256           /* bytes of a title or measure */
#define CHARTER_TEXT_MAX 16384         /* bytes of an article's text; all of them fit an entry */
#define CHARTER_ENDORSEMENTS_MAX 16384 /* as many as a roster has members at most */
#define CHARTER_SPONSORS_MAX 16
#define CHARTER_NOTICE_DAYS_MAX 3660 /* ten years */

struct charter_article {
    const char *title, *text;
    const char *measure; /* how its principle fares is shown by this; NULL: none is named */
};

struct charter {
    const char *name;
    struct charter_article articles[CHARTER_ARTICLES_MAX];
    size_t article_count;
    uint64_t endorsements; /* k: a version needs so many at least, and never fewer than the quorum */
    uint64_t sponsors;     /* an addition needs so many, of different operators */
    uint64_t notice_days;  /* between a member's leaving and the version that takes it off the roster */
};

/* The default one: the four principles as articles. Its strings are static. */
void charter_default(const char *name, struct charter *out);

/* Strings live in the arena. ERR_SYNTAX, ERR_LIMIT: what, found, allowed. */
int charter_parse(const struct record *record, struct arena *arena, struct charter *out, struct err *err);

/* The record's text, appended; what it writes, charter_parse accepts. */
int charter_write(const struct charter *charter, int64_t time_ms, struct buf *out_record, struct err *err);

/* The body alone, as people write it into a file. */
int charter_parse_body(struct span body, struct arena *arena, struct charter *out, struct err *err);

#endif

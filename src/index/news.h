/*
 * In which order records came into the index: for whoever follows (http/events). Runs of refs that were folded one after
 * another are one row of table `news`, so an import of a million costs some thousands of them; the last NEWS_MAX records are
 * kept. Numbers begin anywhere and only grow; an index that is made again begins elsewhere, and so no number of the old one is
 * taken for one of its own.
 */
#ifndef TONGZHOU_INDEX_NEWS_H
#define TONGZHOU_INDEX_NEWS_H

#include "base/limits.h"
#include "base/scramble.h"
#include "index/index.h"

#define NEWS_MAX 100000 /* records, a little more while a batch is folded */

/* Within a batch: these were folded, in this order. */
int news_add(struct index *index, const int64_t *refs, size_t count, struct err *err);

/* Numbers of records that are kept: [*ret_first, *ret_end). Both 0 while nothing was ever folded. */
int news_range(struct index *index, int64_t *ret_first, int64_t *ret_end, struct err *err);

/* Refs of records from `number` on, at most `max`; `number` is within the range. */
int news_read(struct index *index, int64_t number, int64_t *ret_refs, size_t max, size_t *ret_count, struct err *err);

struct news_about {
    char kind[RECORD_LINE_MAX + 1];
    enum tlp tlp;
    int64_t time_ms;
};

/* What the index has of a record: 1, or 0 if it was forgotten since. */
int news_about(struct index *index, int64_t ref, struct news_about *ret, struct err *err);

/* A key as old as the index, for showing numbers scrambled. ERR_NOTFOUND while nothing was ever folded. */
int news_key(struct index *index, uint8_t ret[SCRAMBLE_KEY], struct err *err);

#endif

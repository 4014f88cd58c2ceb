/* Fetch, spool, import, remember. */
#include "security/feed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/utf8.h"
#include "connect/fetch.h"

/* ---- transport ---- */

static int http_get(void *ctx, const struct feed_request *request, struct feed_answer *ret, struct err *err)
{
    struct fetch_reply reply;
    struct fetch_request get = {
        .url = request->url,
        .body_max = request->max_bytes,
        .if_none_match = *request->etag ? request->etag : NULL,
        .if_modified_since = *request->modified ? request->modified : NULL,
        .redirects_same_host = true,
        .total_ms = FEED_FETCH_MAX_MS,
        .sink = request->sink,
        .ctx = request->sink_ctx,
    };
    (void)ctx;
    int rc = fetch_once(&get, &reply, err);
    if (rc == 0) {
        ret->status = reply.status;
        snprintf(ret->etag, sizeof(ret->etag), "%s", reply.etag);
        snprintf(ret->modified, sizeof(ret->modified), "%s", reply.last_modified);
    }
    fetch_reply_done(&reply);
    return rc;
}

const struct feed_transport feed_http = {.get = http_get};

/* ---- the spool ---- */

static int spool_open(struct store *store, int *ret_fd, struct err *err)
{
    char path[4096];
    int fd = open(store_dir(store), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0) { /* a file system without unnamed files */
        snprintf(path, sizeof(path), "%s/feed.XXXXXX", store_dir(store));
        fd = mkostemp(path, O_CLOEXEC);
        if (fd >= 0)
            unlink(path);
    }
    *ret_fd = fd;
    return fd < 0 ? err_sys(err, "a file for what the feed sends, in %s", store_dir(store)) : 0;
}

struct spool {
    const struct feed_options *options;
    int fd;
    uint64_t bytes;
};

static bool is_stopped(const struct feed_options *options)
{
    return options->stopped && options->stopped(options->ctx);
}

static int spool_write(void *ctx, struct span piece, struct err *err)
{
    struct spool *spool = ctx;
    if (is_stopped(spool->options))
        return err_set(err, ERR_STATE, "stopped while it came in");
    if (piece.len > FEED_BYTES_MAX - spool->bytes)
        return err_set(err, ERR_LIMIT, "more than %llu bytes", (unsigned long long)FEED_BYTES_MAX);
    for (size_t at = 0; at < piece.len;) {
        ssize_t count = write(spool->fd, piece.data + at, piece.len - at);
        if (count < 0 && errno != EINTR) /* not the store's files: the node goes on */
            return err_set(err, ERR_STATE, "no room for what the feed sends: %s", strerror(errno));
        at += count > 0 ? (size_t)count : 0;
    }
    spool->bytes += piece.len;
    return 0;
}

static int64_t spool_read(void *ctx, uint8_t *out, size_t max, struct err *err)
{
    struct spool *spool = ctx;
    ssize_t count;
    do
        count = read(spool->fd, out, max);
    while (count < 0 && errno == EINTR);
    return count < 0 ? err_sys(err, "reading what the feed sent") : count;
}

/* ---- one feed ---- */

struct find {
    int64_t number;
    struct feed *out;
    bool found;
};

static int find_feed(void *ctx, const struct feed *feed, struct err *err)
{
    struct find *find = ctx;
    (void)err;
    if (feed->number == find->number) {
        *find->out = *feed;
        find->found = true;
    }
    return 0;
}

static int load_feed(struct store *store, int64_t number, struct feed *ret, struct err *err)
{
    struct find find = {.number = number, .out = ret};
    int rc = feed_each(store, find_feed, &find, err);
    return rc == 0 && !find.found ? err_set(err, ERR_NOTFOUND, "feed %lld", (long long)number) : rc;
}

static int64_t next_due(const struct feed *feed, int64_t now_ms)
{
    int64_t every_s = feed->every_s < FEED_EVERY_MIN_S ? FEED_EVERY_MIN_S : feed->every_s;
    int64_t delay_ms = every_s * 1000;
    if (feed->failures) {
        unsigned doublings = feed->failures - 1 < 16 ? feed->failures - 1 : 16;
        delay_ms = FEED_RETRY_MS << doublings;
        delay_ms = delay_ms > FEED_RETRY_MAX_MS ? FEED_RETRY_MAX_MS : delay_ms;
    }
    return now_ms + delay_ms;
}

/* The source failed, we did not: write down why and when to try again. */
static int note_failure(struct store *store, const struct feed_options *options, const struct err *why,
                        struct feed_report *report, struct err *err)
{
    struct feed *feed = &report->feed;
    report->outcome = FEED_FAILED;
    feed->failures++;
    text_escape_into(feed->reason, sizeof(feed->reason), span_str(why->text));
    feed->due_ms = next_due(feed, options->now_ms);
    return feed_update(store, feed, err);
}

/* As if it had not been tried. */
static int note_stop(struct store *store, int64_t due_ms, struct feed_report *report, struct err *err)
{
    report->outcome = FEED_STOPPED;
    report->feed.due_ms = due_ms;
    return feed_update(store, &report->feed, err);
}

static int note_success(struct store *store, const struct feed_options *options, const struct feed_answer *answer,
                        struct feed_report *report, struct err *err)
{
    struct feed *feed = &report->feed;
    feed->failures = 0;
    feed->reason[0] = 0;
    feed->fetched_ms = options->now_ms;
    feed->due_ms = next_due(feed, options->now_ms);
    if (report->outcome == FEED_FETCHED) {
        snprintf(feed->etag, sizeof(feed->etag), "%s", answer->etag);
        snprintf(feed->modified, sizeof(feed->modified), "%s", answer->modified);
        feed->items = report->import.items;
        feed->vanished = report->import.vanished;
    }
    return feed_update(store, feed, err);
}

static int fetch(const struct feed *feed, const struct feed_options *options, struct spool *spool,
                 struct feed_answer *ret, struct err *err)
{
    struct feed_request request = {
        .url = feed->url,
        .etag = feed->etag,
        .modified = feed->modified,
        .max_bytes = FEED_BYTES_MAX,
        .sink = spool_write,
        .sink_ctx = spool,
    };
    *ret = (struct feed_answer){0};
    int rc = options->transport->get(options->transport->ctx, &request, ret, err);
    if (rc == 0 && ret->status != 200 && ret->status != 304)
        return err_set(err, ERR_NET, "the server answered %d", ret->status);
    if (rc == 0 && lseek(spool->fd, 0, SEEK_SET) < 0)
        return err_sys(err, "reading what the feed sent");
    return rc;
}

/* ---- reading it ---- */

struct patience {
    const struct feed_options *options;
    int64_t until_ms;
};

static int go_on(void *ctx, struct err *err)
{
    const struct patience *patience = ctx;
    if (is_stopped(patience->options))
        return err_set(err, ERR_STATE, "stopped while it was read");
    if (patience->options->clock_ms() > patience->until_ms)
        return err_set(err, ERR_LIMIT, "reading it takes longer than %lld minutes: that is the limit",
                       (long long)FEED_IMPORT_MAX_MS / 60000);
    return 0;
}

/*
 * An error page in plain text may name a site or two. What is small is read once for a look: is much less in it than
 * before, and most of that wrong?
 */
static int check_spool(struct store *store, struct index *index, const struct feed *feed,
                       const struct import_options *import, enum import_format format, struct spool *spool,
                       struct err *err)
{
    struct import_result found;
    struct import_options look = *import;
    if (feed->items == 0 || spool->bytes > FEED_LOOK_MAX)
        return 0;
    look.dry_run = true;
    int rc = import_run(store, index, format, span_str(feed->url), spool_read, spool, &look, &found, err);
    if (rc == 0 && found.items > 0 && found.bad >= found.items && found.items <= feed->items / 2)
        return err_set(err, ERR_SYNTAX, "%llu wrong and %llu readable, where %llu were read before: an error page?",
                       (unsigned long long)found.bad, (unsigned long long)found.items, (unsigned long long)feed->items);
    if (rc == 0 && lseek(spool->fd, 0, SEEK_SET) < 0)
        return err_sys(err, "reading what the feed sent");
    return rc;
}

static int import_spool(struct store *store, struct index *index, const struct feed *feed,
                        const struct feed_options *options, struct spool *spool, struct import_result *ret,
                        struct err *err)
{
    bool known;
    struct patience patience = {options, options->clock_ms() + FEED_IMPORT_MAX_MS};
    struct import_options import = {
        .number = feed->log_number,
        .tlp = (enum tlp)feed->tlp,
        .now_ms = options->now_ms,
        .text_max = FEED_BYTES_MAX,
        .go_on = go_on,
        .ctx = &patience,
        .feed = feed->number,
    };
    enum import_format format = import_format_parse(span_str(feed->format), &known);
    int rc = check_spool(store, index, feed, &import, format, spool, err);
    if (rc == 0)
        rc = import_run(store, index, format, span_str(feed->url), spool_read, spool, &import, ret, err);
    if (rc == 0 && ret->items == 0 && feed->items > 0)
        return err_set(err, ERR_SYNTAX, "nothing in it can be read, where %llu were before: an error page?",
                       (unsigned long long)feed->items);
    return rc;
}

/* Ends the round; all else is this feed's own trouble and must not hold up the others. */
static bool is_fatal(int code)
{
    return code == ERR_IO || code == ERR_MEMORY;
}

int feed_run_one(struct store *store, struct index *index, int64_t number, const struct feed_options *options,
                 struct feed_report *ret, struct err *err)
{
    struct spool spool = {.options = options, .fd = -1};
    struct feed_answer answer;
    struct err why;
    *ret = (struct feed_report){0};
    int rc = load_feed(store, number, &ret->feed, err);
    if (rc < 0)
        return rc;
    int64_t due_ms = ret->feed.due_ms;
    /* Claimed before the fetch, so that another process does not fetch it, too. */
    ret->feed.due_ms = next_due(&ret->feed, options->now_ms);
    rc = feed_update(store, &ret->feed, err);
    if (rc == 0)
        rc = index_update(index, store, 0, NULL, err);
    if (rc == 0)
        rc = spool_open(store, &spool.fd, err);
    if (rc < 0)
        return rc;
    rc = fetch(&ret->feed, options, &spool, &answer, &why);
    ret->outcome = rc == 0 && answer.status == 304 ? FEED_UNCHANGED : FEED_FETCHED;
    if (rc == 0 && answer.status == 200)
        rc = import_spool(store, index, &ret->feed, options, &spool, &ret->import, &why);
    close(spool.fd);
    if (rc == 0)
        return note_success(store, options, &answer, ret, err);
    if (!is_fatal(rc) && is_stopped(options))
        return note_stop(store, due_ms, ret, err);
    if (!is_fatal(rc))
        return note_failure(store, options, &why, ret, err);
    *err = why;
    return err_in(err, "feed %s", ret->feed.url);
}

/* ---- all of them ---- */

struct due {
    int64_t now_ms;
    int64_t numbers[FEED_RUN_MAX];
    size_t count;
};

static int see_feed(void *ctx, const struct feed *feed, struct err *err)
{
    struct due *due = ctx;
    (void)err;
    /* One that is due later than it could be if it had run now: the clock was set back since. */
    bool is_due = feed->due_ms <= due->now_ms || feed->due_ms > next_due(feed, due->now_ms);
    if (is_due && due->count < FEED_RUN_MAX)
        due->numbers[due->count++] = feed->number;
    return 0;
}

int feed_run_due(struct store *store, struct index *index, const struct feed_options *options, size_t *ret_count,
                 struct err *err)
{
    struct due due = {.now_ms = options->now_ms};
    int rc = feed_each(store, see_feed, &due, err);
    *ret_count = 0;
    for (size_t i = 0; i < due.count && rc == 0 && !is_stopped(options); i++) {
        struct feed_report report;
        rc = feed_run_one(store, index, due.numbers[i], options, &report, err);
        *ret_count += rc == 0;
        if (rc == 0 && options->done)
            rc = options->done(options->ctx, &report, err);
    }
    return rc;
}

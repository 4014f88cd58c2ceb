/* Sending parcels: contents that the author has said to few already, once more for them alone, for any path. */
#include <stdio.h>
#include <stdlib.h>

#include "connect/parcels.h"
#include "index/judge.h"
#include "record/audience.h"
#include "record/member.h"
#include "record/seal.h"
#include "state/author.h"
#include "state/payload.h"

#define ARENA_MAX (1u << 20) /* bytes: a member's keys; header lines of one record */

struct recipient {
    char origin[ORIGIN_MAX + 1];
    uint8_t key[32];
};

struct sending {
    const struct view *view;
    const struct parcel_order *order;
    struct log_info log;
    struct judge judge; /* the policy in force: does it let contents leave for them? */
    struct recipient recipients[PARCEL_RECIPIENTS_MAX];
    struct policy_bits lookers[PARCEL_RECIPIENTS_MAX];
    size_t recipient_count;
    struct arena arena;
    struct buf bundle, contents, text;
    size_t items; /* in `contents` */
    bool append;  /* else only looked at */
    struct parcel_sent *sent;
};

/* ---- whom ---- */

static int add_recipient(struct sending *s, const struct log_info *log, struct err *err)
{
    struct member member;
    for (size_t i = 0; i < s->recipient_count; i++)
        if (strcmp(s->recipients[i].origin, log->origin) == 0)
            return 0;
    if (s->recipient_count == PARCEL_RECIPIENTS_MAX)
        return err_set(err, ERR_LIMIT, "a parcel is for at most %d members, its author among them",
                       PARCEL_RECIPIENTS_MAX);
    if (log->size == 0 || log->role == LOG_LISTED)
        return err_set(err, ERR_NOTFOUND, "the profile of %s is not here, so there is no key to encrypt to",
                       log->origin);
    arena_clear(&s->arena);
    int rc = store_member(s->view->store, log->number, &s->arena, &member, err);
    if (rc)
        return err_in(err, "%s", log->origin);
    struct recipient *next = &s->recipients[s->recipient_count++];
    snprintf(next->origin, sizeof next->origin, "%s", log->origin);
    memcpy(next->key, member.profile.encryption_key, 32);
    return rules_viewer(s->view->store, s->judge.policy, span_str(log->origin), &s->lookers[s->recipient_count - 1],
                        err);
}

struct group_search {
    struct sending *sending;
    struct span group;
    size_t found;
};

/* Members whose logs are here and who are in the group now. */
static int add_if_in_group(void *ctx, const struct log_info *log, struct err *err)
{
    struct group_search *search = ctx;
    struct sending *s = search->sending;
    struct record named = {
        .tlp = TLP_AMBER_STRICT, .to = &search->group, .to_count = 1, .has_time = true, .time_ms = s->order->time_ms};
    enum audience_verdict verdict;
    if (log->role == LOG_LOCAL || log->role == LOG_LISTED || log->size == 0)
        return 0;
    int rc = view_audience(s->view, span_str(log->origin), s->order->time_ms, (struct span){0}, &named, &verdict, err);
    if (rc || !audience_is_in(verdict))
        return rc;
    search->found++;
    return add_recipient(s, log, err);
}

static int add_word(struct sending *s, struct span to, struct err *err)
{
    struct log_info log;
    if (audience_is_person(to)) /* it is encrypted to the member, whose node shows it to that person alone */
        to = audience_person_origin(to);
    if (!audience_is_group(to)) {
        int rc = store_log_by_origin(s->view->store, to, &log, err);
        return rc ? err_in(err, "%.*s", SPAN_ARGS(to)) : add_recipient(s, &log, err);
    }
    struct group_search search = {s, to, 0};
    int rc = store_logs(s->view->store, add_if_in_group, &search, err);
    if (!rc && search.found == 0)
        rc = err_set(err, ERR_NOTFOUND, "no member of the group %.*s is known here", SPAN_ARGS(to));
    return rc;
}

/* The author is the first: so it can read from others what its own disk has lost, and knows what to withdraw. */
static int find_recipients(struct sending *s, struct err *err)
{
    int rc = add_recipient(s, &s->log, err);
    for (size_t i = 0; i < s->order->to_count && !rc; i++)
        rc = add_word(s, s->order->to[i], err);
    if (!rc && s->recipient_count < 2)
        rc = err_set(err, ERR_REFUSED, "a parcel for its author alone: name somebody else");
    s->sent->recipients = s->recipient_count - (rc ? 0 : 1);
    return rc;
}

/* ---- what ---- */

/* What is sent leaves this node as much as what is asked for. */
static int check_policy(struct sending *s, const struct record *record, size_t bytes, size_t who, struct err *err)
{
    struct policy_verdict said;
    struct judge_case about = {
        .question = POLICY_SHARE, .log = &s->log, .record = record, .bytes = bytes, .viewer = &s->lookers[who]};
    int rc = judge_decide(&s->judge, &about, &said, err);
    if (rc || said.act == POLICY_YES)
        return rc;
    if (said.line == 0)
        return err_set(err, ERR_REFUSED, "no rule of the policy lets leave for %s what is not TLP:CLEAR",
                       s->recipients[who].origin);
    return err_set(err, ERR_REFUSED, "line %u of the policy keeps it from %s", said.line, s->recipients[who].origin);
}

/* The record's own audience decides, and policy, for each recipient. */
static int check_audience(struct sending *s, const struct record *record, size_t bytes, struct err *err)
{
    if (record->tlp == TLP_CLEAR)
        return err_set(err, ERR_REFUSED, "is TLP:CLEAR: relays carry it as it is");
    for (size_t i = 1; i < s->recipient_count; i++) {
        enum audience_verdict verdict;
        int rc = view_audience(s->view, span_str(s->recipients[i].origin), s->order->time_ms, span_str(s->log.origin),
                               record, &verdict, err);
        if (rc)
            return rc;
        if (!audience_is_in(verdict))
            return err_set(err, ERR_REFUSED, "is not for %s: %s; whom it is for stands in the record itself",
                           s->recipients[i].origin, audience_why(verdict));
        if ((rc = check_policy(s, record, bytes, i, err)) != 0)
            return rc;
    }
    return 0;
}

static int write_parcel(struct sending *s, struct err *err)
{
    uint8_t keys[PARCEL_RECIPIENTS_MAX][32];
    for (size_t i = 0; i < s->recipient_count; i++)
        memcpy(keys[i], s->recipients[i].key, 32);
    struct parcel_draft draft = {s->order->time_ms, s->order->expires_ms, (const uint8_t(*)[32])keys,
                                 s->recipient_count, buf_view(&s->contents)};
    buf_clear(&s->text);
    return parcel_write(&draft, &s->text, err);
}

static int end_parcel(struct sending *s, struct err *err)
{
    uint64_t at = 0;
    int rc = 0;
    if (s->items == 0)
        return 0;
    if (s->append && (rc = write_parcel(s, err)) == 0) {
        struct author_item item = {.text = buf_view(&s->text), .clear = true};
        rc = author_append(s->view->store, s->log.number, &item, 1, s->order->time_ms, &at, err);
    }
    if (rc)
        return rc;
    if (s->sent->parcels++ == 0)
        s->sent->first = at;
    s->sent->last = at;
    s->sent->items += s->items;
    s->items = 0;
    buf_clear(&s->contents);
    return 0;
}

static int add_item(struct sending *s, uint64_t index, const struct payload_item *item, struct err *err)
{
    struct record record;
    size_t size = parcel_item_size(item->payload.len), head = 32 + strlen(s->log.origin);
    if (item->hole)
        return err_set(err, ERR_NOTFOUND, "its content is not here, or it has none");
    arena_clear(&s->arena);
    int rc = record_parse(item->payload, &s->arena, &record, err);
    if (!rc)
        rc = check_audience(s, &record, item->payload.len, err);
    if (rc)
        return rc;
    if (head + size > PARCEL_PLAIN_MAX)
        return err_set(err, ERR_LIMIT, "%zu bytes are more than a parcel holds (%u)", item->payload.len,
                       PARCEL_PLAIN_MAX);
    if (s->items == PARCEL_ITEMS_MAX || head + s->contents.len + size > PARCEL_PLAIN_MAX)
        rc = end_parcel(s, err);
    if (rc)
        return rc;
    if (s->items++ == 0)
        parcel_begin(&s->contents, span_str(s->log.origin));
    struct parcel_item next = {index, item->salt, item->payload};
    parcel_add(&s->contents, &next);
    return buf_check(&s->contents, "parcel", err);
}

static int add_range(struct sending *s, const struct parcel_range *range, struct err *err)
{
    uint64_t at = range->first, end = range->first + range->count;
    int rc = 0;
    while (!rc && at < end) {
        struct payload_reader reader = {0};
        struct payload_item item;
        size_t got = 0, ask = end - at < TILE_WIDTH ? (size_t)(end - at) : TILE_WIDTH;
        buf_clear(&s->bundle);
        rc = payload_read_bundle(s->view->store, s->log.number, at, ask, false, &s->bundle, &got, err);
        reader.bundle = buf_view(&s->bundle);
        for (size_t i = 0; i < got && !rc; i++, at++) {
            rc = payload_next(&reader, &item, err) < 0 ? err->code : 0;
            if (!rc)
                rc = add_item(s, at, &item, err);
            if (rc)
                err_in(err, "%s/%llu", s->log.origin, (unsigned long long)at);
        }
    }
    return rc;
}

static int run(const struct view *view, const struct parcel_order *order, bool append, struct parcel_sent *ret,
               struct err *err)
{
    struct sending *s = calloc(1, sizeof *s);
    if (!s)
        return err_memory(err);
    *ret = (struct parcel_sent){0};
    s->view = view;
    s->order = order;
    s->append = append;
    s->sent = ret;
    arena_init(&s->arena, ARENA_MAX);
    buf_init(&s->bundle, PAYLOAD_BUNDLE_MAX + PAYLOAD_MAX + 64);
    buf_init(&s->contents, PARCEL_PLAIN_MAX);
    buf_init(&s->text, PAYLOAD_MAX);
    int rc = store_log(view->store, order->number, &s->log, err);
    if (!rc && s->log.role != LOG_OWN)
        rc = err_set(err, ERR_REFUSED, "%s does not live on this node: only its author makes parcels of a log",
                     s->log.origin);
    if (!rc)
        rc = judge_open(&s->judge, view->store, order->time_ms, err);
    if (!rc)
        rc = find_recipients(s, err);
    if (!rc && !append) /* an empty one shows whether all keys are good and the expiry is allowed */
        rc = write_parcel(s, err);
    for (size_t i = 0; i < order->range_count && !rc; i++)
        rc = add_range(s, &order->ranges[i], err);
    if (!rc)
        rc = end_parcel(s, err);
    arena_done(&s->arena);
    buf_done(&s->bundle);
    buf_done(&s->contents);
    buf_done(&s->text);
    free(s);
    return rc;
}

int parcels_check(const struct view *view, const struct parcel_order *order, struct parcel_sent *ret, struct err *err)
{
    return run(view, order, false, ret, err);
}

int parcels_send(const struct view *view, const struct parcel_order *order, struct parcel_sent *ret, struct err *err)
{
    return run(view, order, true, ret, err);
}

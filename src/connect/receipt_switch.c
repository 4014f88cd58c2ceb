/*
 * Which members that live here confirm what arrives, and when: one fact of the store, a line a member. Its times come round
 * every each_s seconds, shifted by its name, so that not all nodes of the world speak at full hours.
 */
#include <stdio.h>

#include "base/sha256.h"
#include "connect/receipts.h"

#define FACT_RECEIPTS "receipts"
#define LINE_MAX (ORIGIN_MAX + 48) /* bytes: origin, two numbers */

static bool read_line(struct span line, struct receipt_switch *out)
{
    uint64_t each = 0, slot = 0;
    size_t one = span_find(line, ' '), two = one + 1 + span_find(span_sub(line, one + 1, line.len), ' ');
    struct span origin = span_sub(line, 0, one);
    if (!origin_valid(origin) || !span_u64(span_sub(line, one + 1, two - one - 1), RECEIPT_EACH_MAX_S, &each) ||
        each == 0 || !span_u64(span_sub(line, two + 1, line.len), INT64_MAX, &slot))
        return false;
    *out = (struct receipt_switch){.each_s = (int64_t)each, .slot = (int64_t)slot};
    snprintf(out->origin, sizeof(out->origin), "%.*s", SPAN_ARGS(origin));
    return true;
}

int receipt_switches(struct store *store, struct receipt_switch *out, size_t *ret_count, struct err *err)
{
    struct buf text;
    struct err none = {0};
    *ret_count = 0;
    buf_init(&text, 65536);
    int rc = store_get(store, FACT_RECEIPTS, &text, &none);
    struct span left = rc == 0 ? buf_view(&text) : (struct span){0};
    while (left.len > 0 && *ret_count < RECEIPT_MEMBERS_MAX) {
        size_t end = span_find(left, '\n');
        *ret_count += read_line(span_sub(left, 0, end), &out[*ret_count]);
        left = span_sub(left, end + 1, left.len);
    }
    buf_done(&text);
    return rc == 0 || rc == ERR_NOTFOUND ? 0 : err_set(err, rc, "%s", none.text);
}

static int put(struct store *store, const struct receipt_switch *all, size_t count, struct err *err)
{
    struct buf text;
    buf_init(&text, (size_t)RECEIPT_MEMBERS_MAX * LINE_MAX);
    for (size_t i = 0; i < count; i++)
        buf_fmt(&text, "%s %lld %lld\n", all[i].origin, (long long)all[i].each_s, (long long)all[i].slot);
    int rc = buf_check(&text, "receipts", err);
    if (rc == 0)
        rc = store_put(store, FACT_RECEIPTS, buf_view(&text), err);
    buf_done(&text);
    return rc;
}

int64_t receipt_slot(const struct receipt_switch *one, int64_t now_ms)
{
    uint8_t hash[SHA256_SIZE];
    sha256_once(span_str(one->origin), hash);
    int64_t shift = ((int64_t)hash[0] << 16 | hash[1] << 8 | hash[2]) % one->each_s;
    return (now_ms / 1000 + shift) / one->each_s;
}

static int turn(struct store *store, struct receipt_switch *all, const struct receipt_switch *one, struct err *err)
{
    size_t count = 0, kept = 0;
    int rc = receipt_switches(store, all, &count, err);
    for (size_t i = 0; i < count; i++)
        if (strcmp(all[i].origin, one->origin) != 0)
            all[kept++] = all[i];
    if (rc == 0 && one->each_s > 0 && kept == RECEIPT_MEMBERS_MAX)
        rc = err_set(err, ERR_LIMIT, "%d members confirm already, as many as can", RECEIPT_MEMBERS_MAX);
    if (rc == 0 && one->each_s > 0)
        all[kept++] = *one;
    return rc < 0 ? rc : put(store, all, kept, err);
}

int receipt_turn(struct store *store, const struct log_info *log, int64_t each_s, int64_t now_ms, struct err *err)
{
    struct receipt_switch all[RECEIPT_MEMBERS_MAX], one = {.each_s = each_s};
    if (log->role != LOG_OWN)
        return err_set(err, ERR_REFUSED, "%s does not live on this node", log->origin);
    if (each_s < 0 || each_s > RECEIPT_EACH_MAX_S)
        return err_set(err, ERR_LIMIT, "every %lld seconds, allowed 1 to %lld", (long long)each_s,
                       (long long)RECEIPT_EACH_MAX_S);
    snprintf(one.origin, sizeof(one.origin), "%s", log->origin);
    if (each_s > 0)
        one.slot = receipt_slot(&one, now_ms);
    int rc = store_begin(store, err);
    if (rc < 0)
        return rc;
    rc = turn(store, all, &one, err);
    if (rc == 0)
        return store_commit(store, err);
    store_rollback(store);
    return rc;
}

/* Those whose slot is another than it was looked at; it is the one of now from here on. */
static int find_due(struct store *store, int64_t now_ms, struct receipt_switch *all, size_t *ret_all,
                    struct receipt_switch *due, size_t *ret_due, struct err *err)
{
    int rc = receipt_switches(store, all, ret_all, err);
    *ret_due = 0;
    for (size_t i = 0; rc == 0 && i < *ret_all; i++) {
        int64_t slot = receipt_slot(&all[i], now_ms);
        if (slot != all[i].slot) {
            all[i].slot = slot;
            due[(*ret_due)++] = all[i];
        }
    }
    return rc;
}

int receipt_due(struct store *store, int64_t now_ms, struct receipt_switch *out, size_t *ret_count, struct err *err)
{
    struct receipt_switch all[RECEIPT_MEMBERS_MAX];
    size_t count = 0;
    int rc = find_due(store, now_ms, all, &count, out, ret_count, err);
    if (rc < 0 || *ret_count == 0)
        return rc;
    rc = store_begin(store, err);
    if (rc < 0)
        return rc;
    rc = find_due(store, now_ms, all, &count, out, ret_count, err); /* another command may have turned one off */
    if (rc == 0)
        rc = put(store, all, count, err);
    if (rc == 0)
        return store_commit(store, err);
    store_rollback(store);
    return rc;
}

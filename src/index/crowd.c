#include "index/crowd.h"

#include <stdlib.h>

#include "base/random.h"
#include "index/capability.h"
#include "index/internal.h"

#define CROWD_ARENA_MAX ((size_t)256 << 20) /* bytes: 64 groups of 10,000 origins of at most 200 bytes, once each */
#define CROWD_WORDS_MAX 64                  /* bits of a row */

/* What is known of one member: the words of `to` that are groups it is in, and those that are guests of its node. */
struct known {
    struct span origin; /* .len 0: free */
    uint64_t groups, guests;
    bool same_community, came_later;
};

struct crowd {
    const struct view *view;
    const struct record *record;
    struct span author;
    int64_t said_ms, now_ms; /* the record's time; the later of it and the time of asking */
    struct arena arena;
    struct known *table; /* open addressing; at most half full */
    size_t cap, count;
    uint64_t word; /* the bit that is being asked about */
    uint64_t key;  /* of the table's order: who makes origins to fall together does not know it */
};

/* An origin ends in a hash, in which its maker may choose some bits: the key, a random odd number, spreads them. */
static size_t place_of(const struct crowd *crowd, struct span origin)
{
    uint64_t tail = 0;
    size_t len = origin.len < sizeof(tail) ? origin.len : sizeof(tail);
    if (len > 0)
        memcpy(&tail, origin.data + origin.len - len, len);
    size_t at = (size_t)(tail * crowd->key >> 32) & (crowd->cap - 1);
    while (crowd->table[at].origin.len > 0 && !span_eq(crowd->table[at].origin, origin))
        at = (at + 1) & (crowd->cap - 1);
    return at;
}

static int grow(struct crowd *crowd, struct err *err)
{
    struct known *old = crowd->table;
    size_t count = crowd->cap;
    crowd->cap = count ? 2 * count : 256;
    crowd->table = calloc(crowd->cap, sizeof(*crowd->table));
    if (!crowd->table) {
        crowd->table = old;
        crowd->cap = count;
        return err_memory(err);
    }
    for (size_t i = 0; i < count; i++)
        if (old[i].origin.len > 0)
            crowd->table[place_of(crowd, old[i].origin)] = old[i];
    free(old);
    return 0;
}

static int row_of(struct crowd *crowd, struct span origin, struct known **ret, struct err *err)
{
    if (2 * crowd->count >= crowd->cap && grow(crowd, err) < 0)
        return err->code;
    struct known *row = &crowd->table[place_of(crowd, origin)];
    if (row->origin.len == 0 && origin.len > 0) {
        row->origin = arena_copy(&crowd->arena, origin);
        if (!row->origin.data)
            return err_memory(err);
        crowd->count++;
    }
    *ret = row;
    return 0;
}

static int take_fellow(void *ctx, struct span origin, struct err *err)
{
    struct known *row = NULL;
    int rc = row_of(ctx, origin, &row, err);
    if (rc == 0)
        row->same_community = true;
    return rc;
}

/* One that came into the group after this was said may have been granted it: that is asked one by one. */
static int take_member(void *ctx, struct span origin, int64_t since_ms, struct err *err)
{
    struct crowd *crowd = ctx;
    struct known *row = NULL;
    struct span group = crowd->record->to[__builtin_ctzll(crowd->word)];
    if (crowd->said_ms < since_ms &&
        !view_in_group_since(crowd->view, crowd->author, group, origin, crowd->now_ms, &since_ms))
        return 0;
    int rc = row_of(crowd, origin, &row, err);
    if (rc == 0 && crowd->said_ms >= since_ms)
        row->groups |= crowd->word;
    else if (rc == 0)
        row->came_later = true;
    return rc;
}

/* Of a member that is named: on whose node does it live? */
static int take_host(struct crowd *crowd, struct span guest, struct err *err)
{
    char host[ORIGIN_MAX + 1];
    struct known *row = NULL;
    int rc = view_host_of(crowd->view, guest, host, err);
    if (rc == 0 && host[0] != '\0' && (rc = row_of(crowd, span_str(host), &row, err)) == 0)
        row->guests |= crowd->word;
    return rc;
}

static int fill(struct crowd *crowd, struct err *err)
{
    const struct record *record = crowd->record;
    int rc = grow(crowd, err);
    for (size_t i = 0; rc == 0 && i < record->to_count; i++) {
        crowd->word = UINT64_C(1) << i;
        if (audience_is_group(record->to[i]))
            rc = view_each_in_group(crowd->view, record->to[i], crowd->now_ms, take_member, crowd, err);
        else if (record->tlp == TLP_AMBER)
            rc = take_host(crowd, record->to[i], err);
    }
    if (rc == 0 && record->tlp == TLP_GREEN)
        rc = view_each_of_community(crowd->view, crowd->author, take_fellow, crowd, err);
    return rc;
}

int crowd_new(const struct view *view, int64_t time_ms, struct span author, const struct record *record,
              struct crowd **ret, struct err *err)
{
    *ret = NULL;
    if (record->to_count > CROWD_WORDS_MAX || !view_knows_many())
        return 0;
    struct crowd *crowd = calloc(1, sizeof(*crowd));
    if (!crowd)
        return err_memory(err);
    crowd->view = view;
    random_bytes(&crowd->key, sizeof(crowd->key));
    crowd->key |= 1;
    crowd->record = record;
    crowd->author = author;
    crowd->said_ms = record->has_time ? record->time_ms : INT64_MIN;
    crowd->now_ms = crowd->said_ms > time_ms ? crowd->said_ms : time_ms;
    arena_init(&crowd->arena, CROWD_ARENA_MAX);
    int rc = fill(crowd, err);
    if (rc == 0)
        *ret = crowd;
    else
        crowd_free(crowd);
    return rc;
}

void crowd_free(struct crowd *crowd)
{
    if (!crowd)
        return;
    arena_done(&crowd->arena);
    free(crowd->table);
    free(crowd);
}

uint64_t crowd_groups(const struct crowd *crowd, struct span member)
{
    return member.len > 0 ? crowd->table[place_of(crowd, member)].groups : 0;
}

static size_t pick(const struct record *record, uint64_t bits, struct span *out)
{
    size_t count = 0;
    for (; bits; bits &= bits - 1)
        out[count++] = record->to[__builtin_ctzll(bits)];
    return count;
}

enum audience_verdict crowd_audience(const struct crowd *crowd, struct span member)
{
    struct span groups[CROWD_WORDS_MAX], guests[CROWD_WORDS_MAX];
    const struct record *record = crowd->record;
    const struct known *row = &crowd->table[place_of(crowd, member)];
    struct audience audience = {record->tlp, crowd->author, record->to, record->to_count};
    struct audience_who who = {.origin = member, .groups = groups, .guests = guests};
    if (member.len > 0) {
        who.group_count = pick(record, row->groups, groups);
        who.guest_count = pick(record, row->guests, guests);
        who.same_community = row->same_community;
        who.came_later = row->came_later;
    }
    return audience_admits(&audience, &who);
}

#include "node/watching.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>

#include "base/codec.h"
#include "base/sha256.h"
#include "base/when.h"
#include "governance/community.h"
#include "governance/drafts.h"
#include "governance/governance.h"
#include "http/tls.h"
#include "index/view.h"
#include "moderation/moderation.h"
#include "security/vulnerabilities.h"
#include "state/notices.h"
#include "state/peers.h"

#define DAY_MS INT64_C(86400000)
#define COMMUNITIES_MAX 16
#define PROPOSED_MAX 1

/* The newest line of this topic about it: 1, or 0 if nothing was told. */
static int told(const struct watching *w, enum notice_topic topic, const char *value, struct notice_brief *ret,
                struct err *err)
{
    struct err none = {0};
    int rc = notice_latest(w->store, topic, value, ret, &none);
    if (rc < 0 && rc != ERR_NOTFOUND)
        return err_set(err, rc, "%s", none.text);
    return rc == 0;
}

static int tell(const struct watching *w, enum notice_what what, const char *value, const char *more, struct err *err)
{
    struct notice notice = {.what = what, .time_ms = w->now_ms, .values = {value, more}};
    return notice_add(w->store, &notice, err);
}

/* ---- peers ---- */

static int look_at_peer(void *ctx, const struct peer *peer, struct err *err)
{
    const struct watching *w = ctx;
    struct notice_brief last = {.what = NOTICE_PEER_BACK};
    int rc = told(w, NOTICE_PEER, peer->url, &last, err);
    if (rc < 0)
        return rc;
    int64_t since_ms = peer->reached_ms > peer->added_ms ? peer->reached_ms : peer->added_ms;
    if (peer->set_aside)
        return last.what == NOTICE_PEER_ASIDE ? 0 : tell(w, NOTICE_PEER_ASIDE, peer->url, peer->reason, err);
    if (peer->failures > 0 && w->now_ms - since_ms >= WATCHING_PEER_MS)
        return last.what == NOTICE_PEER_FAILS ? 0 : tell(w, NOTICE_PEER_FAILS, peer->url, peer->reason, err);
    if (peer->failures == 0 && peer->reached_ms > 0 && last.what != NOTICE_PEER_BACK)
        return tell(w, NOTICE_PEER_BACK, peer->url, NULL, err);
    return 0;
}

struct peers {
    struct peer *rows;
    size_t count, cap;
};

static int keep_peer(void *ctx, const struct peer *peer, struct err *err)
{
    struct peers *peers = ctx;
    if (peers->count == peers->cap) {
        size_t cap = peers->cap ? 2 * peers->cap : 16;
        struct peer *rows = realloc(peers->rows, cap * sizeof(*rows));
        if (!rows)
            return err_memory(err);
        peers->rows = rows;
        peers->cap = cap;
    }
    peers->rows[peers->count++] = *peer;
    return 0;
}

static int look_at_peers(const struct watching *w, struct err *err)
{
    struct peers peers = {0};
    int rc = peer_each(w->store, keep_peer, &peers, err);
    for (size_t i = 0; rc == 0 && i < peers.count; i++)
        rc = look_at_peer((void *)(uintptr_t)w, &peers.rows[i], err);
    free(peers.rows);
    return rc;
}

/* ---- rosters ---- */

/* Does a version wait that this operator, who has not spoken, can say something about? */
static int waits(const struct view *view, const struct community *now, bool *ret, struct err *err)
{
    uint8_t proposed[PROPOSED_MAX][32];
    size_t count = 0;
    *ret = false;
    for (size_t i = 0; i < now->version_count; i++)
        *ret |= now->versions[i].state == VERSION_OPEN;
    int rc = *ret ? 0 : governance_proposed(view, now, PROPOSED_MAX, proposed, &count, err);
    *ret |= count > 0;
    return rc;
}

static int look_at_community(const struct watching *w, const struct view *view, const uint8_t hash[32], struct err *err)
{
    struct community_source source = governance_source(w->index);
    struct community now;
    struct arena arena;
    struct notice_brief last = {0};
    bool is_due = false;
    char name[CHARTER_NAME_MAX + 24], number[24];
    arena_init(&arena, GOVERNANCE_ARENA_MAX);
    int rc = community_walk(&source, hash, &arena, &now, err);
    if (rc == 0)
        rc = waits(view, &now, &is_due, err);
    if (rc == 0 && is_due) {
        snprintf(name, sizeof(name), "%s (%02x%02x%02x%02x)", now.charter ? now.charter->name : "?", hash[0], hash[1],
                 hash[2], hash[3]);
        snprintf(number, sizeof(number), "%llu", (unsigned long long)now.number + 1);
        rc = told(w, NOTICE_COMMUNITY, name, &last, err);
        is_due = rc == 0 || (rc > 0 && strcmp(last.more, number) != 0);
        rc = rc < 0 ? rc : is_due ? tell(w, NOTICE_ROSTER_WAITS, name, number, err) : 0;
    }
    arena_done(&arena);
    return rc;
}

static int look_at_rosters(const struct watching *w, struct err *err)
{
    uint8_t unspoken[COMMUNITIES_MAX][32]; /* others it only reads, and they cost no walk */
    size_t count = 0;
    struct log_info self;
    struct view view;
    struct err nobody = {0};
    if (store_operator(w->store, &self, &nobody) < 0)
        return nobody.code == ERR_NOTFOUND ? 0 : err_set(err, nobody.code, "%s", nobody.text);
    struct viewer viewer = {.class = VIEWER_OPERATOR};
    int rc = view_open(w->store, w->index, viewer, OUTLET_CLI_LOG, &view, err);
    if (rc < 0)
        return rc;
    rc = governance_unspoken(&view, self.origin, COMMUNITIES_MAX, unspoken, &count, err);
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = look_at_community(w, &view, unspoken[i], err);
    return rc;
}

/* ---- lists ---- */

/* What waits of one source, as a digest: told again when it is another. */
struct sources {
    const struct watching *w;
    char source[LIST_SOURCE_MAX + 1];
    struct sha256 waiting;
    bool any;
};

static int tell_source(struct sources *s, struct err *err)
{
    uint8_t digest[32];
    char hex[65];
    struct notice_brief last = {0};
    if (!s->any)
        return 0;
    s->any = false;
    sha256_end(&s->waiting, digest);
    hex_encode(digest, 32, hex);
    int rc = told(s->w, NOTICE_DRAFT, s->source, &last, err);
    if (rc < 0 || (rc > 0 && strcmp(last.more, hex) == 0))
        return rc < 0 ? rc : 0;
    return tell(s->w, NOTICE_LISTS_WAIT, s->source, hex, err);
}

static int take_draft(void *ctx, const struct draft_line *line, struct err *err)
{
    struct sources *s = ctx;
    if (!draft_waits(line))
        return 0;
    if (s->any && strcmp(s->source, line->address.source) != 0 && tell_source(s, err) < 0)
        return err->code;
    if (!s->any)
        sha256_init(&s->waiting);
    memcpy(s->source, line->address.source, sizeof(s->source));
    sha256_add(&s->waiting, span_str(line->address.name));
    sha256_add(&s->waiting, span_of(line->version, 32));
    s->any = true;
    return 0;
}

static int look_at_lists(const struct watching *w, struct err *err)
{
    struct sources sources = {.w = w};
    struct view view;
    uint64_t hidden;
    struct viewer viewer = {.class = VIEWER_OPERATOR};
    int rc = view_open(w->store, w->index, viewer, OUTLET_CLI_LOG, &view, err);
    if (rc == 0)
        rc = drafts_list(&view, take_draft, &sources, &hidden, err);
    return rc == 0 ? tell_source(&sources, err) : rc;
}

/* ---- objections ---- */

struct objections {
    struct sha256 waiting;
    bool any;
};

/* Of visitors the page tells itself. */
static int take_objection(void *ctx, const struct open_complaint *one, struct err *err)
{
    struct objections *o = ctx;
    (void)err;
    if (!one->origin)
        return 0;
    sha256_add(&o->waiting, span_of(&one->source, sizeof(one->source)));
    o->any = true;
    return 0;
}

static int look_at_objections(const struct watching *w, struct err *err)
{
    static const char what[] = "objections";
    struct objections objections = {.any = false};
    struct notice_brief last = {0};
    struct view view;
    struct viewer viewer = {.class = VIEWER_OPERATOR};
    uint8_t hash[32];
    char hex[65];
    sha256_init(&objections.waiting);
    int rc = view_open(w->store, w->index, viewer, OUTLET_CLI_LOG, &view, err);
    if (rc == 0)
        rc = queue_each(&view, 0, take_objection, &objections, err);
    sha256_end(&objections.waiting, hash);
    if (rc < 0 || !objections.any)
        return rc;
    hex_encode(hash, 8, hex);
    rc = told(w, NOTICE_DECISION, what, &last, err);
    return rc < 0 || (rc > 0 && strcmp(last.more, hex) == 0) ? (rc < 0 ? rc : 0)
                                                             : tell(w, NOTICE_MEMBERS_OBJECT, what, hex, err);
}

/* ---- this machine ---- */

static int look_at_certificate(const struct watching *w, struct err *err)
{
    struct err unread = {0};
    struct notice_brief last = {0};
    char until[WHEN_TEXT_LEN + 1];
    int64_t ends_ms;
    if (!w->tls_cert ||
        tls_certificate_ends(w->tls_cert, &ends_ms, &unread) < 0) /* SIGHUP tells of one that is wrong */
        return 0;
    int64_t left_ms = ends_ms - w->now_ms;
    if (left_ms >= WATCHING_CERTIFICATE_MS)
        return 0;
    when_format(ends_ms, until);
    int rc = told(w, NOTICE_SECURITY, w->tls_cert, &last, err);
    int64_t each_ms = left_ms < WATCHING_HURRY_MS ? DAY_MS : 7 * DAY_MS;
    if (rc < 0 || (rc > 0 && strcmp(last.more, until) == 0 && w->now_ms - last.time_ms < each_ms))
        return rc < 0 ? rc : 0;
    return tell(w, NOTICE_CERTIFICATE_ENDS, w->tls_cert, until, err);
}

int watching_disk(struct watching *w, struct err *err)
{
    struct statvfs disk;
    if (statvfs(store_dir(w->store), &disk) < 0)
        return err_sys(err, "%s", store_dir(w->store));
    w->disk_free = (uint64_t)disk.f_bavail * disk.f_frsize;
    w->disk_all = (uint64_t)disk.f_blocks * disk.f_frsize;
    return 0;
}

static int look_at_disk(const struct watching *w, struct err *err)
{
    struct notice_brief last = {0};
    char left[32];
    if (w->disk_free >= w->disk_all / WATCHING_DISK_PART || w->disk_free >= WATCHING_DISK_BYTES)
        return 0;
    int rc = told(w, NOTICE_OVERDUE, store_dir(w->store), &last, err);
    if (rc < 0 || (rc > 0 && w->now_ms - last.time_ms < DAY_MS))
        return rc < 0 ? rc : 0;
    snprintf(left, sizeof(left), "%llu MB", (unsigned long long)(w->disk_free / 1000000));
    return tell(w, NOTICE_DISK_FULL, store_dir(w->store), left, err);
}

int watching_look(const struct watching *w, struct err *err)
{
    int rc = look_at_peers(w, err);
    if (rc == 0)
        rc = look_at_rosters(w, err);
    if (rc == 0)
        rc = look_at_lists(w, err);
    if (rc == 0)
        rc = look_at_objections(w, err);
    if (rc == 0)
        rc = vulnerabilities_tell(w->store, w->index, w->now_ms, err);
    if (rc == 0)
        rc = look_at_certificate(w, err);
    return rc == 0 ? look_at_disk(w, err) : rc;
}

/*
 * Requests to peers. What changed and contents are asked for in the names of those who live here, signed by their request
 * keys: each sees what is for it alone. What is the same for everybody is asked for unsigned.
 */
#include <stdlib.h>

#include "base/codec.h"
#include "base/random.h"
#include "connect/sync_internal.h"
#include "index/view.h"
#include "record/http_sig.h"
#include "state/author.h"

#define EXPIRES_S 120   /* a clock that is so much behind is borne */
#define UNHEARD_MS 1500 /* after the first refusal, doubled up to: a node that has just been started hears us then */
#define UNHEARD_MAX_MS INT64_C(600000)
#define UNHEARD_WAITS 40     /* times that what a log lacks is asked for again because of it: some hours */
#define SECOND_ROUNDED_MS 50 /* signatures carry whole seconds */

/* ---- signing ---- */

/* The three headers of a signed request; they are copied when it starts. */
struct signing {
    struct buf input, signature, to;
};

static void signing_init(struct signing *signing)
{
    buf_init(&signing->input, HTTP_SIG_FIELD_MAX);
    buf_init(&signing->signature, HTTP_SIG_FIELD_MAX);
    buf_init(&signing->to, HTTP_SIG_FIELD_MAX);
}

static void signing_done(struct signing *signing)
{
    buf_done(&signing->input);
    buf_done(&signing->signature);
    buf_done(&signing->to);
}

/* Of all fields the one that we sign. */
static bool field_to(void *ctx, struct span name, struct buf *out)
{
    struct signing *signing = ctx;
    buf_span(out, buf_view(&signing->to));
    return span_is(name, "tongzhou-to");
}

static const struct asker *asker_by_number(const struct sync *sync, int64_t number)
{
    for (size_t i = 0; i < sync->asker_count; i++)
        if (sync->askers[i].number == number)
            return &sync->askers[i];
    return NULL;
}

static int sign(struct store *store, const struct asker *asker, const char *url, struct signing *signing,
                struct err *err)
{
    struct http_sig_message message = {.method = SPAN_LIT("GET"), .field = field_to, .ctx = signing};
    char authority[HTTP_SIG_AUTHORITY_MAX + 1], nonce[BASE64_LEN(18) + 1], text[BASE64_LEN(ED25519_SIG) + 1];
    uint8_t random[18], signature[ED25519_SIG];
    struct buf keyid, base;
    buf_init(&keyid, HTTP_SIG_FIELD_MAX);
    buf_init(&base, HTTP_SIG_BASE_MAX);
    http_sig_keyid(span_str(asker->origin), &keyid);
    random_bytes(random, sizeof(random));
    base64_encode(random, sizeof(random), nonce);
    int64_t now_s = sync_now_ms() / 1000;
    struct http_sig_draft draft = {
        .keyid = buf_view(&keyid), .created = now_s, .expires = now_s + EXPIRES_S, .nonce = span_str(nonce)};
    int code = http_sig_url(span_str(url), authority, &message) ? 0 : err_set(err, ERR_USAGE, "address: no host in it");
    if (code == 0)
        code = http_sig_prepare(&draft, &message, &signing->input, &base, err);
    if (code == 0)
        code = author_sign_request(store, asker->number, buf_view(&base), signature, err);
    if (code == 0) {
        base64_encode(signature, sizeof(signature), text);
        buf_fmt(&signing->signature, HTTP_SIG_TAG "=:%s:", text);
        code = buf_check(&signing->signature, "signature", err);
    }
    buf_done(&keyid);
    buf_done(&base);
    return code;
}

/* ---- asking ---- */

/* All answers end: one just above the slowest speed could take a day for a bundle, and a round as long. */
static unsigned ask_total_ms(const struct fetch_request *request)
{
    unsigned bps = request->low_speed_bps ? request->low_speed_bps : PEER_LOW_SPEED_BPS;
    unsigned seconds = request->low_speed_s ? request->low_speed_s : PEER_LOW_SPEED_S;
    return (request->wait_s + seconds + (unsigned)(request->body_max / ((size_t)bps * SYNC_SLOW))) * 1000;
}

static int ask(struct sync_peer *peer, const char *url, struct fetch_request *request, struct fetch **ret,
               struct err *err)
{
    const struct sync_options *options = &peer->sync->options;
    request->url = url;
    request->connect_timeout_ms = options->connect_timeout_ms;
    request->low_speed_bps = options->low_speed_bps;
    request->low_speed_s = options->low_speed_s;
    request->total_ms = ask_total_ms(request);
    request->heard_ms = &peer->heard_ms;
    int code = fetch_start(peer->sync->fetcher, request, ret, err);
    if (code == 0)
        peer->in_flight++;
    return code;
}

int sync_ask_as(struct sync_peer *peer, int64_t asker, const char *path, struct fetch_request *request,
                struct fetch **ret, struct err *err)
{
    const struct asker *who = asker ? asker_by_number(peer->sync, asker) : NULL;
    char url[PEER_URL_MAX + 512];
    struct signing signing;
    struct err why = {0};
    snprintf(url, sizeof(url), "%s%s", peer->row.url, path);
    signing_init(&signing);
    http_sig_keyid(span_str(peer->row.origin), &signing.to);
    if (who && sign(peer->sync->store, who, url, &signing, &why) == 0) {
        request->signature_input = buf_cstr(&signing.input);
        request->signature = buf_cstr(&signing.signature);
        request->signed_to = buf_cstr(&signing.to);
    } else if (who && sync_error_is_ours(why.code)) {
        signing_done(&signing);
        return err_set(err, why.code, "%s", why.text);
    }
    /* Without keys it is asked as anybody asks. */
    int code = ask(peer, url, request, ret, err);
    signing_done(&signing);
    return code;
}

int sync_ask(struct sync_peer *peer, const char *path, struct fetch_request *request, struct fetch **ret,
             struct err *err)
{
    return sync_ask_as(peer, 0, path, request, ret, err);
}

void sync_account(struct sync_peer *peer, const struct fetch_reply *reply)
{
    struct sync_report *report = &peer->sync->report;
    peer->in_flight--;
    peer->new_requests++;
    peer->new_bytes += reply->bytes_in;
    report->requests++;
    report->bytes_in += reply->bytes_in;
    report->bytes_out += reply->bytes_out;
}

/* ---- in whose name ---- */

static int asker_add(void *ctx, const struct log_info *log, struct err *err)
{
    struct sync *sync = ctx;
    if (log->role != LOG_OWN || log->size == 0 || log->standing != STANDING_GOOD)
        return 0;
    if (sync->asker_count == sync->asker_cap) {
        size_t cap = sync->asker_cap ? sync->asker_cap * 2 : 8;
        struct asker *grown = realloc(sync->askers, cap * sizeof(*grown));
        if (!grown)
            return err_memory(err);
        sync->askers = grown;
        sync->asker_cap = cap;
    }
    struct asker *asker = &sync->askers[sync->asker_count++];
    asker->number = log->number;
    memcpy(asker->origin, log->origin, sizeof(asker->origin));
    if (log->is_operator && sync->asker_count > 1) {
        struct asker first = sync->askers[0];
        sync->askers[0] = *asker;
        *asker = first;
    }
    return 0;
}

int askers_load(struct sync *sync, struct err *err)
{
    sync->asker_count = 0;
    return store_logs(sync->store, asker_add, sync, err);
}

void askers_free(struct sync *sync)
{
    free(sync->askers);
    sync->askers = NULL;
    sync->asker_count = sync->asker_cap = 0;
}

/* The operator: in its name peers are asked what changed. */
static bool is_first(const struct sync *sync, int64_t asker)
{
    return asker != 0 && sync->asker_count > 0 && sync->askers[0].number == asker;
}

static struct unheard *unheard_of(const struct sync_peer *peer, int64_t asker)
{
    struct unheard *unheard;
    SLIST_FOREACH(unheard, &peer->unheard, link)
    if (unheard->number == asker)
        return unheard;
    return NULL;
}

int64_t asker_at(const struct sync_peer *peer, size_t place)
{
    const struct sync *sync = peer->sync;
    if (place >= sync->asker_count || peer->row.origin[0] == '\0') /* to whom is it? */
        return 0;
    const struct unheard *unheard = unheard_of(peer, sync->askers[place].number);
    return unheard && unheard->after_ms > sync_clock_ms() ? 0 : sync->askers[place].number;
}

bool asker_refused(const struct fetch_reply *reply, int64_t asker)
{
    return asker && reply->code == 0 && (reply->status == 401 || reply->status == 403);
}

/* How long it is asked as anybody. A node that has just been started says when it hears us. */
static int64_t unheard_delay(const struct unheard *unheard, const struct fetch_reply *reply)
{
    if (reply->retry_after_s > 0)
        return (int64_t)reply->retry_after_s * 1000 + SECOND_ROUNDED_MS;
    int64_t delay = (int64_t)UNHEARD_MS << (unheard->times < 10 ? unheard->times : 10);
    return delay < UNHEARD_MAX_MS ? delay : UNHEARD_MAX_MS;
}

/* It is told once, not as a failure: who has no confidences with this peer needs nothing from it but what is public. */
static void unheard_remark(struct sync_peer *peer, int64_t asker)
{
    const struct asker *who = asker_by_number(peer->sync, asker);
    char reason[ERR_TEXT_MAX];
    snprintf(reason, sizeof(reason),
             "log %.150s: requests signed by it are refused there: is this address one of the endpoints in that node's "
             "profile?",
             who ? who->origin : "of a member here");
    peer_remark(peer, reason);
}

int64_t asker_unheard(struct sync_peer *peer, int64_t asker, const struct fetch_reply *reply)
{
    struct unheard *unheard = unheard_of(peer, asker);
    int64_t now = sync_clock_ms();
    bool may_wait = !peer->sync->is_round || reply->retry_after_s > 0;
    if (!unheard && (unheard = calloc(1, sizeof(*unheard))) != NULL) {
        unheard->number = asker;
        SLIST_INSERT_HEAD(&peer->unheard, unheard, link);
        peer->was_unheard |= is_first(peer->sync, asker);
        peer->dirty = true;
    }
    if (!unheard)
        return 0;
    if (unheard->after_ms <= now) { /* answers to requests that were under way at a time count as one */
        unheard->after_ms = now + unheard_delay(unheard, reply);
        unheard->times++;
        if (reply->status == 403 && unheard->times == 2)
            unheard_remark(peer, asker);
    }
    return may_wait && unheard->times <= (peer->sync->is_round ? 2 : UNHEARD_WAITS) ? unheard->after_ms : 0;
}

void asker_heard(struct sync_peer *peer, int64_t asker)
{
    struct unheard *unheard = asker ? unheard_of(peer, asker) : NULL;
    if (peer->was_unheard && is_first(peer->sync, asker)) {
        peer->was_unheard = false;
        peer->ask_anew = peer->dirty = true;
    }
    if (!unheard)
        return;
    SLIST_REMOVE(&peer->unheard, unheard, unheard, link);
    free(unheard);
    peer->dirty = true;
}

/* While the operator is not heard the fact of this name is "1": the next process asks for what it was not given by this. */
static void unheard_name(const struct sync_peer *peer, char out[40])
{
    snprintf(out, 40, "unheard.%lld", (long long)peer->row.number);
}

int unheard_load(struct sync_peer *peer, struct err *err)
{
    char name[40];
    struct buf fact;
    struct err missing = {0};
    buf_init(&fact, 16);
    unheard_name(peer, name);
    int code = store_get(peer->sync->store, name, &fact, &missing);
    peer->unheard_saved = peer->was_unheard = code == 0 && span_is(buf_view(&fact), "1");
    buf_done(&fact);
    return code == 0 || code == ERR_NOTFOUND ? 0 : err_set(err, code, "%s", missing.text);
}

int unheard_save(struct sync_peer *peer, struct err *err)
{
    char name[40];
    bool now = peer->was_unheard || peer->ask_anew;
    if (now == peer->unheard_saved)
        return 0;
    unheard_name(peer, name);
    peer->unheard_saved = now;
    return store_put(peer->sync->store, name, now ? SPAN_LIT("1") : SPAN_LIT(""), err);
}

void unheard_free(struct sync_peer *peer)
{
    struct unheard *unheard;
    while ((unheard = SLIST_FIRST(&peer->unheard)) != NULL) {
        SLIST_REMOVE_HEAD(&peer->unheard, link);
        free(unheard);
    }
}

/* ---- for whom ---- */

int asker_is_meant(struct sync *sync, struct span author, const struct record *record, bool *ret, struct err *err)
{
    struct viewer here = {.class = VIEWER_OPERATOR, .time_ms = sync_now_ms()};
    int code = 0;
    *ret = false;
    if (!sync->index && (code = index_open(store_dir(sync->store), &sync->index, err)) < 0)
        return code;
    if (!sync->is_meant_ready)
        code = view_open(sync->store, sync->index, here, OUTLET_CLI_LOG, &sync->meant, err);
    sync->is_meant_ready = code == 0;
    for (size_t i = 0; code == 0 && i < sync->asker_count && !*ret; i++) {
        enum audience_verdict verdict;
        code = view_audience(&sync->meant, span_str(sync->askers[i].origin), sync->meant.viewer.time_ms, author, record,
                             &verdict, err);
        *ret = code == 0 && audience_is_in(verdict);
    }
    return code;
}

#include "http/signed.h"

#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/limits.h"
#include "http/ahead.h"
#include "http/nonces.h"
#include "http/page.h"

#define KEYS_KEPT 256               /* members whose request key is kept */
#define NAMES_KEPT 64               /* addresses of this node */
#define NAMES_LOOK_MS 10000         /* a new endpoint counts after so long */
#define SIGNED_ARENA_MAX (1u << 20) /* bytes: folding one member */
#define NONCE_MAX 128               /* bytes */

/* A member's request key as of a size of its log: what is below never changes. */
struct kept_key {
    int64_t number; /* 0: free */
    uint64_t size;
    uint8_t key[32];
};

/* Where this node says it is to be reached: authority and path in front of ours. */
struct own_name {
    char authority[HTTP_SIG_AUTHORITY_MAX + 1];
    char prefix[MEMBER_WORD_MAX + 1];
};

struct signed_state {
    struct nonces *nonces;
    struct ahead *ahead; /* written under the lock */
    int64_t began_s;
    pthread_mutex_t lock; /* over all below */
    struct kept_key keys[KEYS_KEPT];
    struct own_name names[NAMES_KEPT];
    size_t name_count, given_count; /* the first were given when the process began */
    int64_t names_ms;               /* when they were looked up; 0: never */
};

int signed_new(const char *dir, int64_t now_ms, struct signed_state **ret, struct err *err)
{
    struct signed_state *state = calloc(1, sizeof(*state));
    if (!state)
        return err_memory(err);
    pthread_mutex_init(&state->lock, NULL);
    state->began_s = now_ms / 1000;
    state->nonces = nonces_new();
    int rc = state->nonces ? ahead_open(dir, state->began_s, &state->ahead, err) : err_memory(err);
    if (rc < 0)
        signed_free(state);
    else
        *ret = state;
    return rc;
}

void signed_free(struct signed_state *state)
{
    if (!state)
        return;
    nonces_free(state->nonces);
    ahead_close(state->ahead);
    pthread_mutex_destroy(&state->lock);
    free(state);
}

/* ---- what must be said ---- */

static bool covers_enough(const struct http_sig *sig, bool has_body)
{
    bool target =
        http_sig_covers(sig, "@target-uri") ||
        (http_sig_covers(sig, "@authority") && http_sig_covers(sig, "@path") && http_sig_covers(sig, "@query"));
    return target && http_sig_covers(sig, "@method") && http_sig_covers(sig, "tongzhou-to") &&
           (!has_body || http_sig_covers(sig, "content-digest"));
}

static enum signed_outcome read_signature(const struct signed_request *request, struct http_sig *sig)
{
    struct err err;
    int rc = http_sig_find(request->input, request->signature, SPAN_LIT(HTTP_SIG_TAG), sig, &err);
    if (rc <= 0)
        return rc < 0 ? SIGNED_MALFORMED : SIGNED_BY_NOBODY;
    if (!sig->has_created || !sig->has_expires || !sig->keyid.data || sig->nonce.len < 1 ||
        sig->nonce.len > NONCE_MAX || !sig->alg.data || !span_is(sig->alg, "ed25519") ||
        !covers_enough(sig, request->body.len > 0) || sig->created > sig->expires ||
        (request->body.len > 0 && !http_digest_holds(request->content_digest, request->body)))
        return SIGNED_MALFORMED;
    return SIGNED_BY_MEMBER;
}

static enum signed_outcome check_time(const struct signed_state *state, const struct http_sig *sig, int64_t now_s)
{
    if (sig->created < now_s - SIGNED_WINDOW_S || sig->created > now_s + SIGNED_WINDOW_S || sig->expires < now_s)
        return SIGNED_EXPIRED;
    return sig->created <= state->began_s ? SIGNED_RESTARTED : SIGNED_BY_MEMBER;
}

/* ---- who ---- */

static bool key_kept(struct signed_state *state, const struct log_info *log, uint8_t out[32])
{
    struct kept_key *kept = &state->keys[(uint64_t)log->number % KEYS_KEPT];
    pthread_mutex_lock(&state->lock);
    bool found = kept->number == log->number && kept->size == log->size;
    if (found)
        memcpy(out, kept->key, 32);
    pthread_mutex_unlock(&state->lock);
    return found;
}

static enum signed_outcome key_look(struct signed_state *state, struct store *store, const struct log_info *log,
                                    uint8_t out[32])
{
    struct member member;
    struct arena arena;
    struct err err;
    arena_init(&arena, SIGNED_ARENA_MAX);
    int rc = store_member(store, log->number, &arena, &member, &err);
    if (rc == 0)
        memcpy(out, member.profile.request_key, 32);
    arena_done(&arena);
    if (rc < 0)
        return rc == ERR_NOTFOUND ? SIGNED_UNKNOWN : SIGNED_FAILED;
    struct kept_key *kept = &state->keys[(uint64_t)log->number % KEYS_KEPT];
    pthread_mutex_lock(&state->lock);
    *kept = (struct kept_key){.number = log->number, .size = log->size};
    memcpy(kept->key, out, 32);
    pthread_mutex_unlock(&state->lock);
    return SIGNED_BY_MEMBER;
}

static enum signed_outcome find_member(struct signed_state *state, struct store *store, struct span keyid,
                                       char *ret_origin, uint8_t key[32])
{
    struct buf origin;
    struct log_info log;
    struct err err;
    buf_init(&origin, ORIGIN_MAX);
    bool is_named = http_sig_origin(keyid, &origin) && origin_valid(buf_view(&origin));
    if (is_named) /* told if the request is refused */
        snprintf(ret_origin, sizeof(log.origin), "%.*s", SPAN_ARGS(buf_view(&origin)));
    int rc = is_named ? store_log_by_origin(store, buf_view(&origin), &log, &err) : ERR_NOTFOUND;
    buf_done(&origin);
    if (rc < 0)
        return rc == ERR_NOTFOUND ? SIGNED_UNKNOWN : SIGNED_FAILED;
    enum view_hearing hearing = view_hearing(&log);
    if (hearing != HEARING_GOOD)
        return hearing == HEARING_UNKNOWN ? SIGNED_UNKNOWN : SIGNED_SUSPENDED;
    return key_kept(state, &log, key) ? SIGNED_BY_MEMBER : key_look(state, store, &log, key);
}

/* ---- to whom ---- */

static bool add_name(struct signed_state *state, const char *endpoint)
{
    struct http_sig_message url = {0};
    struct own_name *name = &state->names[state->name_count];
    if (state->name_count == NAMES_KEPT || !http_sig_url(span_str(endpoint), name->authority, &url) || url.has_query)
        return false;
    size_t len = url.path.len;
    while (len > 0 && url.path.data[len - 1] == '/')
        len--;
    memcpy(name->prefix, url.path.data, len);
    name->prefix[len] = '\0';
    state->name_count++;
    return true;
}

int signed_endpoint(struct signed_state *state, const char *url, struct err *err)
{
    if (strlen(url) > MEMBER_WORD_MAX || !add_name(state, url))
        return err_set(err, ERR_USAGE, "endpoint %.300s: expected http:// or https://, a host and no query", url);
    state->given_count = state->name_count;
    return 0;
}

struct name_search {
    struct signed_state *state;
    struct store *store;
};

static int names_of(void *ctx, const struct log_info *log, struct err *err)
{
    struct name_search *search = ctx;
    struct member member;
    struct arena arena;
    if (log->role != LOG_OWN || log->size == 0)
        return 0;
    arena_init(&arena, SIGNED_ARENA_MAX);
    int rc = store_member(search->store, log->number, &arena, &member, err);
    for (unsigned i = 0; rc == 0 && i < member.profile.endpoints.count; i++)
        (void)add_name(search->state, member.profile.endpoints.item[i]); /* one that is no URL names nothing */
    arena_done(&arena);
    return rc;
}

/* What the profiles of those who live here say; looked up now and then. The lock is held. */
static void names_look(struct signed_state *state, struct store *store, int64_t now_ms)
{
    struct name_search search = {state, store};
    struct err err;
    if (state->names_ms != 0 && now_ms >= state->names_ms && now_ms - state->names_ms < NAMES_LOOK_MS)
        return;
    state->name_count = state->given_count;
    state->names_ms = now_ms;
    (void)store_logs(store, names_of, &search, &err); /* those found so far are ours */
}

bool signed_is_named(struct signed_state *state, struct store *store, struct span host, int64_t now_ms)
{
    static const char *const schemes[] = {"http", "https"};
    bool is = false;
    pthread_mutex_lock(&state->lock);
    names_look(state, store, now_ms);
    for (size_t s = 0; s < 2; s++) {
        char authority[HTTP_SIG_AUTHORITY_MAX + 1];
        bool has = http_sig_authority(span_str(schemes[s]), host, authority);
        for (size_t i = 0; has && i < state->name_count; i++)
            is |= strcmp(state->names[i].authority, authority) == 0;
    }
    pthread_mutex_unlock(&state->lock);
    return is;
}

/* Is it the address at which this connection reached us? */
static bool is_local(const struct signed_request *request, const char *authority)
{
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof(address);
    char host[64], port[8], text[96], here[HTTP_SIG_AUTHORITY_MAX + 1];
    if (request->fd < 0 || getsockname(request->fd, (struct sockaddr *)&address, &len) < 0 ||
        getnameinfo((struct sockaddr *)&address, len, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return false;
    snprintf(text, sizeof(text), address.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
    if (http_sig_authority(SPAN_LIT("http"), span_str(text), here) && strcmp(here, authority) == 0)
        return true;
    snprintf(text, sizeof(text), "localhost:%s", port);
    return request->loopback && http_sig_authority(SPAN_LIT("http"), span_str(text), here) &&
           strcmp(here, authority) == 0;
}

/* Ways to have said our address that stand for this one: a scheme and what a proxy has cut off in front of the path. */
struct own_way {
    struct span scheme;
    char authority[HTTP_SIG_AUTHORITY_MAX + 1], prefix[MEMBER_WORD_MAX + 1];
};

#define WAYS_MAX 8

static size_t find_ways(struct signed_state *state, struct store *store, const struct signed_request *request,
                        struct own_way ways[WAYS_MAX])
{
    static const char *const schemes[] = {"http", "https"};
    size_t count = 0;
    for (size_t s = 0; s < 2; s++) {
        char authority[HTTP_SIG_AUTHORITY_MAX + 1];
        if (!http_sig_authority(span_str(schemes[s]), request->host, authority))
            continue;
        if (s == 0 && is_local(request, authority)) {
            struct own_way *way = &ways[count++];
            *way = (struct own_way){.scheme = span_str(schemes[s])};
            memcpy(way->authority, authority, sizeof(authority));
        }
        pthread_mutex_lock(&state->lock);
        names_look(state, store, request->now_ms);
        for (size_t i = 0; i < state->name_count && count < WAYS_MAX; i++) {
            if (strcmp(state->names[i].authority, authority) != 0)
                continue;
            struct own_way *way = &ways[count++];
            *way = (struct own_way){.scheme = span_str(schemes[s])};
            memcpy(way->authority, authority, sizeof(authority));
            memcpy(way->prefix, state->names[i].prefix, sizeof(way->prefix));
        }
        pthread_mutex_unlock(&state->lock);
    }
    return count;
}

/* Is the operator's origin what the request says that it is meant for? */
static bool is_meant_for_us(struct store *store, struct span to)
{
    struct log_info log;
    struct err err;
    struct buf origin;
    buf_init(&origin, ORIGIN_MAX);
    bool same = http_sig_origin(to, &origin) && store_operator(store, &log, &err) == 0 &&
                span_is(buf_view(&origin), log.origin);
    buf_done(&origin);
    return same;
}

/* ---- the signature ---- */

static bool verify(const struct http_sig *sig, const struct signed_request *request, const struct own_way *way,
                   const uint8_t key[32])
{
    struct http_sig_message message = request->message;
    struct buf base, path;
    struct err err;
    buf_init(&base, HTTP_SIG_BASE_MAX);
    buf_init(&path, HTTP_URL_MAX + MEMBER_WORD_MAX + 1);
    buf_str(&path, way->prefix);
    buf_span(&path, message.path);
    message.scheme = way->scheme;
    message.authority = span_str(way->authority);
    message.path = buf_view(&path);
    bool holds = !path.failed && http_sig_base(sig, &message, &base, &err) == 0 &&
                 ed25519_verify(buf_view(&base), key, sig->signature);
    buf_done(&base);
    buf_done(&path);
    return holds;
}

static enum signed_outcome note_ahead(struct signed_state *state, const char *origin, int64_t created, int64_t now_s)
{
    struct err err;
    pthread_mutex_lock(&state->lock);
    int rc = ahead_note(state->ahead, span_str(origin), created, now_s, &err);
    pthread_mutex_unlock(&state->lock);
    return rc == 0 ? SIGNED_BY_MEMBER : rc == ERR_LIMIT ? SIGNED_TOO_MANY : SIGNED_FAILED;
}

/* A request signed by this member, here and now: once. */
static enum signed_outcome take_nonce(struct signed_state *state, const struct http_sig *sig, const char *origin,
                                      int64_t now_s)
{
    int64_t latest = sig->created + SIGNED_WINDOW_S, until = sig->expires < latest ? sig->expires : latest;
    if (sig->created <= ahead_before(state->ahead, span_str(origin)))
        return SIGNED_RESTARTED;
    enum signed_outcome outcome =
        sig->created > now_s ? note_ahead(state, origin, sig->created, now_s) : SIGNED_BY_MEMBER;
    if (outcome != SIGNED_BY_MEMBER)
        return outcome;
    int rc = nonces_take(state->nonces, span_str(origin), sig->nonce, now_s, until);
    return rc == 0 ? SIGNED_BY_MEMBER : rc == ERR_EXISTS ? SIGNED_REPLAYED : SIGNED_TOO_MANY;
}

enum signed_outcome signed_check(struct signed_state *state, struct store *store, const struct signed_request *request,
                                 char *ret_origin)
{
    struct http_sig sig;
    struct own_way ways[WAYS_MAX];
    uint8_t key[32];
    int64_t now_s = request->now_ms / 1000;
    enum signed_outcome outcome = read_signature(request, &sig);
    if (outcome == SIGNED_BY_MEMBER)
        outcome = check_time(state, &sig, now_s);
    if (outcome != SIGNED_BY_MEMBER)
        return outcome;
    size_t count = find_ways(state, store, request, ways);
    if (count == 0 || !is_meant_for_us(store, request->to))
        return SIGNED_MISDIRECTED;
    outcome = find_member(state, store, sig.keyid, ret_origin, key);
    if (outcome != SIGNED_BY_MEMBER)
        return outcome;
    for (size_t i = 0; i < count; i++)
        if (verify(&sig, request, &ways[i], key))
            return take_nonce(state, &sig, ret_origin, now_s);
    return SIGNED_MISMATCH;
}

/* ---- what is said about it ---- */

const char *signed_word(enum signed_outcome outcome)
{
    static const char *const words[SIGNED_OUTCOMES] = {
        [SIGNED_BY_MEMBER] = "member",    [SIGNED_BY_NOBODY] = "public",  [SIGNED_MALFORMED] = "malformed",
        [SIGNED_UNKNOWN] = "unknown",     [SIGNED_MISMATCH] = "mismatch", [SIGNED_EXPIRED] = "expired",
        [SIGNED_RESTARTED] = "restarted", [SIGNED_REPLAYED] = "replayed", [SIGNED_MISDIRECTED] = "misdirected",
        [SIGNED_SUSPENDED] = "suspended", [SIGNED_TOO_MANY] = "too-many", [SIGNED_FAILED] = "failed",
    };
    return words[outcome];
}

int signed_status(enum signed_outcome outcome, const char **ret_title, const char **ret_detail)
{
    static const struct {
        int status;
        const char *detail;
    } answers[SIGNED_OUTCOMES] = {
        [SIGNED_MALFORMED] = {401, TR_MARK("The signature does not have the form, or does not cover what it should.")},
        [SIGNED_UNKNOWN] = {401, TR_MARK("The member that signed this request is not known here.")},
        [SIGNED_MISMATCH] = {401, TR_MARK("The signature does not fit this request and the member's request key.")},
        [SIGNED_EXPIRED] = {401, TR_MARK("The request was signed too long ago, or by a clock that is ahead.")},
        [SIGNED_RESTARTED] = {401,
                              TR_MARK("The request was signed before this node was started. Please sign it again.")},
        [SIGNED_REPLAYED] = {401, TR_MARK("This request was answered already. Please sign it again.")},
        [SIGNED_MISDIRECTED] = {403, TR_MARK("The request was signed for another node.")},
        [SIGNED_SUSPENDED] = {403, TR_MARK("The member that signed this request is not heard at present.")},
        [SIGNED_TOO_MANY] = {503, TR_MARK("Please try again in a moment.")},
        [SIGNED_FAILED] = {503, TR_MARK("Please try again in a moment.")},
    };
    int status = answers[outcome].status;
    *ret_title = status == 503 ? TR_MARK("Not now") : TR_MARK("Not allowed");
    *ret_detail = answers[outcome].detail;
    return status;
}

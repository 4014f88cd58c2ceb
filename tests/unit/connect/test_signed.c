/* Signed requests between real nodes: who gets a restricted content, and that no attack gets it or learns of it. */
#include "net.h"

#include "base/codec.h"
#include "connect/fetch.h"
#include "http/signed.h"
#include "index/index.h"
#include "record/http_sig.h"

#define SECRET "for one member only"

/* An author, a member that it names, and one that it does not; the author's node mirrors both. */
static struct node author, reader, outsider;
static uint64_t secret_index;

static uint64_t say_to(struct node *node, const char *body, enum tlp tlp, const char *to)
{
    struct buf text;
    uint64_t index = 0;
    struct span name = span_str(to);
    buf_init(&text, PAYLOAD_MAX);
    struct record_draft draft = {
        .kind = KIND, .time_ms = TIME_MS, .tlp = tlp, .to = &name, .to_count = to[0] != '\0', .body = span_str(body)};
    good(record_write(&draft, &text, &err));
    struct author_item item = {buf_view(&text), tlp == TLP_CLEAR};
    good(author_append(node->store, node->own.number, &item, 1, TIME_MS, &index, &err));
    buf_done(&text);
    node_refresh(node);
    return index;
}

static int64_t now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec;
}

static void start_all(void)
{
    node_start(&author, "author.example");
    node_start(&reader, "reader.example");
    node_start(&outsider, "outsider.example");
    node_say(&author, "for everybody");
    secret_index = say_to(&author, SECRET, TLP_AMBER_STRICT, reader.own.origin);
    node_serve(&author);
    node_serve(&reader);
    node_serve(&outsider);
    node_peer(&author, &reader);
    node_peer(&author, &outsider);
    node_sync(&author);
    assert_true(has_log(&author, reader.own.origin) && has_log(&author, outsider.own.origin));
}

static void stop_all(void)
{
    node_stop(&author);
    node_stop(&reader);
    node_stop(&outsider);
}

/* ---- requests ---- */

/* How a request is made; all zero: as it should be. */
struct bend {
    int64_t created_by, expires_by; /* seconds added */
    const char *authority;          /* signed for this one */
    const char *to;                 /* and for this operator */
    const char *sent_path;          /* what is asked for, where something else was signed */
    const char *nonce, *tag, *alg;
    bool no_nonce, no_expires;
    struct node *key_of; /* another's key under the signer's name */
    const char *keyid;
    const char *components; /* instead of all */
};

struct signed_text {
    char input[2048], signature[256], to[ORIGIN_MAX + 1];
};

static bool field_to(void *ctx, struct span name, struct buf *out)
{
    struct signed_text *text = ctx;
    if (!span_is(name, "tongzhou-to"))
        return false;
    buf_str(out, text->to);
    return true;
}

static void sign_request(struct node *who, const char *url, const struct bend *bend, struct signed_text *ret)
{
    static unsigned counter;
    struct http_sig_message message = {.method = SPAN_LIT("GET"), .field = field_to, .ctx = ret};
    struct node *signer = bend->key_of ? bend->key_of : who;
    char authority[HTTP_SIG_AUTHORITY_MAX + 1], nonce[32], text[BASE64_LEN(64) + 1], unsigned_part[1024];
    uint8_t bytes[64];
    struct http_sig sig;
    struct buf base;
    buf_init(&base, HTTP_SIG_BASE_MAX);
    assert_true(http_sig_url(span_str(url), authority, &message));
    if (bend->authority)
        message.authority = span_str(bend->authority);
    snprintf(ret->to, sizeof(ret->to), "%s", bend->to ? bend->to : author.own.origin);
    snprintf(nonce, sizeof(nonce), "n%u", counter++);
    const char *components = bend->components ? bend->components
                                              : "\"@method\" \"@authority\" \"@path\" \"@query\" "
                                                "\"tongzhou-to\"";
    int len = snprintf(unsigned_part, sizeof(unsigned_part), "(%s);created=%lld", components,
                       (long long)(now_s() + bend->created_by));
    if (!bend->no_expires)
        len += snprintf(unsigned_part + len, sizeof(unsigned_part) - (size_t)len, ";expires=%lld",
                        (long long)(now_s() + 60 + bend->expires_by));
    if (!bend->no_nonce)
        len += snprintf(unsigned_part + len, sizeof(unsigned_part) - (size_t)len, ";nonce=\"%s\"",
                        bend->nonce ? bend->nonce : nonce);
    snprintf(unsigned_part + len, sizeof(unsigned_part) - (size_t)len, ";keyid=\"%s\";alg=\"%s\";tag=\"%s\"",
             bend->keyid ? bend->keyid : who->own.origin, bend->alg ? bend->alg : "ed25519",
             bend->tag ? bend->tag : HTTP_SIG_TAG);
    snprintf(ret->input, sizeof(ret->input), "sig=%s", unsigned_part);
    static const char zeros[] =
        "sig=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==:";
    good(http_sig_find(span_str(ret->input), span_str(zeros), (struct span){0}, &sig, &err));
    good(http_sig_base(&sig, &message, &base, &err));
    good(author_sign_request(signer->store, signer->own.number, buf_view(&base), bytes, &err));
    base64_encode(bytes, 64, text);
    snprintf(ret->signature, sizeof(ret->signature), "sig=:%s:", text);
    buf_done(&base);
}

/* Status of the answer; its body stays in `reply`. */
static int send(const char *url, const struct signed_text *text, struct fetch_reply *reply)
{
    struct err err = {0};
    struct fetch_request request = {.url = url, .body_max = PAYLOAD_BUNDLE_MAX + 65536};
    if (text) {
        request.signature_input = text->input;
        request.signature = text->signature;
        request.signed_to = text->to;
    }
    if (fetch_once(&request, reply, &err) < 0)
        fail_msg("%s: %s", url, err.text);
    return reply->status;
}

static void payload_url(const struct node *at, const struct log_info *log, uint64_t index, char out[512])
{
    snprintf(out, 512, "%s/logs/%s/payload/%llu?from=%llu&to=%llu", http_server_url(at->server), log->hex,
             (unsigned long long)(index / 256), (unsigned long long)index, (unsigned long long)index + 1);
}

static bool holds(const struct fetch_reply *reply, const char *text)
{
    return span_search(buf_view(&reply->body), span_str(text)) < reply->body.len;
}

/* What `who` gets when it asks for the secret so bent. */
static int ask(struct node *who, const struct bend *bend, bool *ret_got)
{
    char url[512], sent[512];
    struct signed_text text;
    struct fetch_reply reply;
    payload_url(&author, &author.own, secret_index, url);
    sign_request(who, url, bend, &text);
    snprintf(sent, sizeof(sent), "%s%s", bend->sent_path ? http_server_url(author.server) : url,
             bend->sent_path ? bend->sent_path : "");
    int status = send(sent, &text, &reply);
    *ret_got = holds(&reply, SECRET);
    fetch_reply_done(&reply);
    return status;
}

static void expect(struct node *who, const struct bend *bend, int wanted)
{
    bool got = false;
    int status = ask(who, bend, &got);
    if (status != wanted || got != (wanted == 200 && who == &reader && !bend->tag))
        fail_msg("status %d, expected %d, %s the content", status, wanted, got ? "with" : "without");
}

/* After a start nothing that was signed in the same second is taken. */
static void until_heard(void)
{
    bool got = false;
    for (int i = 0; i < 400 && !got; i++) {
        (void)ask(&reader, &(struct bend){0}, &got);
        if (!got)
            usleep(10000);
    }
    assert_true(got);
}

/* ---- tests ---- */

static void only_the_audience_gets_it(void **state)
{
    (void)state;
    char url[512];
    struct fetch_reply public, other;
    struct signed_text text;
    until_heard();
    expect(&reader, &(struct bend){0}, 200);
    payload_url(&author, &author.own, secret_index, url);
    assert_int_equal(send(url, NULL, &public), 200);
    sign_request(&outsider, url, &(struct bend){0}, &text);
    assert_int_equal(send(url, &text, &other), 200);
    /* To an outsider, signed or not: a hole, byte for byte. */
    assert_int_equal(public.body.len, 4);
    assert_int_equal(other.body.len, 4);
    assert_memory_equal(public.body.data, other.body.data, 4);
    assert_string_equal(other.etag, "");
    fetch_reply_done(&public);
    fetch_reply_done(&other);
    /* The author has its own back, from whom it gave it to, too. */
    bool got;
    assert_int_equal(ask(&author, &(struct bend){0}, &got), 200);
    assert_true(got);
}

static void what_is_bent_is_refused(void **state)
{
    (void)state;
    char path[512];
    until_heard();
    snprintf(path, sizeof(path), "/logs/%s/payload/0", author.own.hex);
    expect(&reader, &(struct bend){.sent_path = path}, 401); /* altered: another path, no query */
    expect(&reader, &(struct bend){.key_of = &outsider}, 401);
    expect(&outsider, &(struct bend){.keyid = reader.own.origin}, 401);
    expect(&reader, &(struct bend){.keyid = "nobody.example/abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrsa"},
           401);
    expect(&reader, &(struct bend){.keyid = "%"}, 401);
    expect(&reader, &(struct bend){.created_by = -310, .expires_by = 0}, 401);
    expect(&reader, &(struct bend){.created_by = 310, .expires_by = 400}, 401);
    expect(&reader, &(struct bend){.expires_by = -63}, 401);
    expect(&reader, &(struct bend){.created_by = 1000, .expires_by = 0}, 401);
    expect(&reader, &(struct bend){.alg = "hmac-sha256"}, 401);
    expect(&reader, &(struct bend){.no_nonce = true}, 401);
    expect(&reader, &(struct bend){.no_expires = true}, 401);
    expect(&reader, &(struct bend){.components = "\"@method\" \"@authority\" \"@path\" \"tongzhou-to\""}, 401);
    expect(&reader, &(struct bend){.components = "\"@method\" \"@authority\" \"@path\" \"@query\""}, 401);
    expect(&reader, &(struct bend){.components = "\"@authority\" \"@path\" \"@query\" \"tongzhou-to\""}, 401);
    expect(&reader, &(struct bend){.components = "\"@method\" \"@target-uri\" \"tongzhou-to\""}, 200);
    expect(&reader, &(struct bend){.tag = "another-use"}, 200); /* as anybody */
}

static void forwarded_requests(void **state)
{
    (void)state;
    until_heard();
    expect(&reader, &(struct bend){.to = outsider.own.origin}, 403);
    expect(&reader, &(struct bend){.authority = "other.example"}, 401);
    /* A request that the outsider's node got, with its own Host: passed on it is not for this address. */
    char url[512], sent[512];
    struct signed_text text;
    struct fetch_reply reply;
    payload_url(&outsider, &author.own, secret_index, url);
    sign_request(&reader, url, &(struct bend){.to = outsider.own.origin}, &text);
    payload_url(&author, &author.own, secret_index, sent);
    assert_int_equal(send(sent, &text, &reply), 403);
    assert_false(holds(&reply, SECRET));
    fetch_reply_done(&reply);
}

static void once_only(void **state)
{
    (void)state;
    char url[512];
    struct signed_text text;
    struct fetch_reply first, again;
    until_heard();
    payload_url(&author, &author.own, secret_index, url);
    sign_request(&reader, url, &(struct bend){0}, &text);
    assert_int_equal(send(url, &text, &first), 200);
    assert_true(holds(&first, SECRET));
    assert_int_equal(send(url, &text, &again), 401);
    assert_false(holds(&again, SECRET));
    assert_int_equal(again.retry_after_s, 1);
    fetch_reply_done(&first);
    fetch_reply_done(&again);
    /* Two members may choose the same nonce. */
    expect(&reader, &(struct bend){.nonce = "same"}, 200);
    expect(&outsider, &(struct bend){.nonce = "same"}, 200);
    expect(&reader, &(struct bend){.nonce = "same"}, 401);
}

/* Behind a web server, which passes Host on: the node knows its name by --endpoint, a path in front included. */
static void behind_a_web_server(void **state)
{
    (void)state;
    static const char *const endpoints[] = {"https://author.example.org:8443/node/"};
    char url[512], sent[512];
    struct signed_text text;
    struct http_sig_message message = {0};
    char authority[HTTP_SIG_AUTHORITY_MAX + 1];
    struct signed_request request = {.fd = -1, .now_ms = (now_s() + 2) * 1000};
    struct signed_state *known;
    char origin[ORIGIN_MAX + 1];
    payload_url(&author, &author.own, secret_index, sent);
    snprintf(url, sizeof(url), "%s%s", endpoints[0], sent + strlen(http_server_url(author.server)) + 1);
    sign_request(&reader, url, &(struct bend){0}, &text);
    assert_true(http_sig_url(span_str(sent), authority, &message));
    message.method = SPAN_LIT("GET");
    message.field = field_to;
    message.ctx = &text;
    request.message = message;
    request.input = span_str(text.input);
    request.signature = span_str(text.signature);
    request.host = SPAN_LIT("Author.example.org:8443");
    request.to = span_str(text.to);
    good(signed_new(author.root, 1000, &known, &err));
    assert_int_equal(signed_check(known, author.store, &request, origin), SIGNED_MISDIRECTED);
    bad(signed_endpoint(known, "author.example.org", &err), ERR_USAGE, "expected http");
    good(signed_endpoint(known, endpoints[0], &err));
    assert_int_equal(signed_check(known, author.store, &request, origin), SIGNED_BY_MEMBER);
    assert_string_equal(origin, reader.own.origin);
    assert_int_equal(signed_check(known, author.store, &request, origin), SIGNED_REPLAYED);
    request.host = SPAN_LIT("other.example.org:8443");
    assert_int_equal(signed_check(known, author.store, &request, origin), SIGNED_MISDIRECTED);
    signed_free(known);
}

/* Nor by a process that takes the place of the one that answered it. */
static void not_after_a_restart(void **state)
{
    (void)state;
    char url[512], port[64];
    struct signed_text now, ahead;
    struct fetch_reply reply;
    until_heard();
    payload_url(&author, &author.own, secret_index, url);
    sign_request(&reader, url, &(struct bend){0}, &now);
    sign_request(&outsider, url, &(struct bend){.created_by = 100, .expires_by = 200}, &ahead);
    assert_int_equal(send(url, &now, &reply), 200);
    fetch_reply_done(&reply);
    assert_int_equal(send(url, &ahead, &reply), 200);
    fetch_reply_done(&reply);
    snprintf(port, sizeof(port), "%s", http_server_url(author.server) + strlen("http://"));
    node_unserve(&author);
    struct http_options options = {.dir = author.dir, .listen = port, .threads = 1};
    good(http_server_start(&options, &author.server, &err));
    assert_int_equal(send(url, &now, &reply), 401);
    assert_false(holds(&reply, SECRET));
    fetch_reply_done(&reply);
    assert_int_equal(send(url, &ahead, &reply), 401);
    assert_false(holds(&reply, SECRET));
    fetch_reply_done(&reply);
}

static void a_retired_key(void **state)
{
    (void)state;
    char url[512];
    struct signed_text old;
    struct fetch_reply reply;
    until_heard();
    payload_url(&author, &author.own, secret_index, url);
    sign_request(&reader, url, &(struct bend){0}, &old);
    good(author_new_profile(reader.store, reader.own.number, SPAN_LIT(""), TIME_MS, &err));
    node_refresh(&reader);
    node_sync(&author);
    assert_mirrored(&author, &reader.own);
    assert_int_equal(send(url, &old, &reply), 401);
    assert_false(holds(&reply, SECRET));
    fetch_reply_done(&reply);
    expect(&reader, &(struct bend){0}, 200);
}

static void a_seal_is_one_logs(void **state)
{
    (void)state;
    struct buf entry, item;
    struct err misfit;
    buf_init(&entry, ENTRY_MAX);
    buf_init(&item, PAYLOAD_MAX + 64);
    good(store_read_entry(author.store, author.own.number, secret_index, &entry, &err));
    good(payload_read(author.store, author.own.number, secret_index, &item, NULL, &err));
    struct span salt = span_sub(buf_view(&item), 4, 32), payload = span_sub(buf_view(&item), 36, item.len);
    /* Whoever has content, salt and seal cannot have said it in a log of its own. */
    assert_int_equal(seal_check(span_str(outsider.own.origin), buf_view(&entry), salt, payload, &misfit), ERR_VERIFY);
    buf_done(&entry);
    buf_done(&item);
}

/* Who guesses a content that can only be one of few learns nothing from its seal: the salt is drawn anew each time. */
static void a_guess_does_not_fit(void **state)
{
    (void)state;
    struct buf first, second, item, other;
    struct err misfit;
    buf_init(&first, ENTRY_MAX);
    buf_init(&second, ENTRY_MAX);
    buf_init(&item, PAYLOAD_MAX + 64);
    buf_init(&other, PAYLOAD_MAX + 64);
    uint64_t yes = say_to(&author, "yes", TLP_AMBER_STRICT, reader.own.origin);
    uint64_t again = say_to(&author, "yes", TLP_AMBER_STRICT, reader.own.origin);
    good(store_read_entry(author.store, author.own.number, yes, &first, &err));
    good(store_read_entry(author.store, author.own.number, again, &second, &err));
    assert_false(span_eq(buf_view(&first), buf_view(&second)));
    good(payload_read(author.store, author.own.number, yes, &item, NULL, &err));
    good(payload_read(author.store, author.own.number, again, &other, NULL, &err));
    struct span origin = span_str(author.own.origin), guess = span_sub(buf_view(&item), 36, item.len);
    assert_true(span_eq(guess, span_sub(buf_view(&other), 36, other.len))); /* the very bytes */
    good(seal_check(origin, buf_view(&first), span_sub(buf_view(&item), 4, 32), guess, &err));
    static const uint8_t none[32];
    assert_int_equal(seal_check(origin, buf_view(&first), span_of(none, 32), guess, &misfit), ERR_VERIFY);
    assert_int_equal(seal_check(origin, buf_view(&first), span_sub(buf_view(&other), 4, 32), guess, &misfit),
                     ERR_VERIFY);
    buf_done(&first);
    buf_done(&second);
    buf_done(&item);
    buf_done(&other);
}

static void erased_is_erased_for_all(void **state)
{
    (void)state;
    until_heard();
    good(author_erase(author.store, author.own.number, secret_index, TIME_MS, &err));
    node_refresh(&author);
    bool got = true;
    assert_int_equal(ask(&reader, &(struct bend){0}, &got), 200);
    assert_false(got);
}

static void refusals_are_counted(void **state)
{
    (void)state;
    struct http_counters counters;
    const char *reason;
    uint64_t count, all = 0;
    until_heard();
    http_server_counters(author.server, &counters);
    uint64_t before = counters.signed_refused;
    expect(&reader, &(struct bend){.key_of = &outsider}, 401);
    http_server_counters(author.server, &counters);
    assert_int_equal(counters.signed_refused, before + 1);
    for (size_t i = 0; http_server_refused(author.server, i, &reason, &count); i++)
        all += count;
    assert_int_equal(all, before + 1);
}

/* ---- pulling ---- */

static void pulled_by_whom_it_is_for(void **state)
{
    (void)state;
    until_heard();
    node_peer(&reader, &author);
    node_peer(&outsider, &author);
    node_sync(&reader);
    node_sync(&outsider);
    assert_mirrored(&reader, &author.own);
    assert_mirrored(&outsider, &author.own);
    assert_true(has_payload(&reader, author.own.origin, secret_index, SECRET));
    assert_false(has_payload(&outsider, author.own.origin, secret_index, SECRET));
    unsigned flags = 0;
    struct log_info copy = log_of(&reader, author.own.origin);
    good(payload_flags(reader.store, copy.number, secret_index, &flags, &err));
    assert_int_equal(flags & (SLOT_HELD | SLOT_CLEAR), SLOT_HELD);
}

/* ---- waiting ---- */

static void keep_reply(void *ctx, struct fetch_reply *reply)
{
    struct fetch_reply *kept = ctx;
    *kept = *reply;
    buf_init(&reply->body, 0);
}

static void until_one_waits(struct fetcher *fetcher)
{
    struct http_counters counters = {0};
    for (int i = 0; i < 4000 && counters.waiting == 0; i++) {
        good(fetcher_run(fetcher, 5, &err));
        http_server_counters(author.server, &counters);
    }
    assert_int_equal(counters.waiting, 1);
}

/* The secret's content goes from the author's node and comes back, as from another member of its audience. */
static void come_late(void)
{
    struct buf item;
    buf_init(&item, PAYLOAD_MAX + 64);
    good(payload_read(author.store, author.own.number, secret_index, &item, NULL, &err));
    good(payload_drop_before(author.store, author.own.number, author.own.size, &err));
    struct log_info log = log_of(&author, author.own.origin);
    good(store_begin(author.store, &err));
    log.payloads_from = 0;
    good(store_log_update(author.store, &log, &err));
    good(payload_put(author.store, log.number, secret_index, span_sub(buf_view(&item), 4, 32),
                     span_sub(buf_view(&item), 36, item.len), false, &err));
    good(store_commit(author.store, &err));
    buf_done(&item);
    http_server_wake(author.server);
}

/* Wait for news since now, let the content come meanwhile; the answer in *ret. */
static void wait_for_news(struct node *who, unsigned wait_s, struct fetch_reply *ret)
{
    char url[512], cursor[128] = "";
    struct signed_text text;
    struct fetch_reply first;
    struct fetcher *fetcher;
    snprintf(url, sizeof(url), "%s/heads", http_server_url(author.server));
    if (who)
        sign_request(who, url, &(struct bend){0}, &text);
    assert_int_equal(send(url, who ? &text : NULL, &first), 200);
    assert_int_equal(sscanf(strstr(buf_cstr(&first.body), "next ") + 5, "%100s", cursor), 1);
    fetch_reply_done(&first);
    snprintf(url, sizeof(url), "%s/heads?since=%s", http_server_url(author.server), cursor);
    struct fetch_request request = {.url = url, .body_max = 65536, .wait_s = wait_s, .done = keep_reply, .ctx = ret};
    if (who) {
        sign_request(who, url, &(struct bend){0}, &text);
        request.signature_input = text.input;
        request.signature = text.signature;
        request.signed_to = text.to;
    }
    *ret = (struct fetch_reply){.status = 0};
    good(fetcher_new(&fetcher, &err));
    good(fetch_start(fetcher, &request, NULL, &err));
    until_one_waits(fetcher);
    come_late();
    while (fetcher_active(fetcher) > 0)
        good(fetcher_run(fetcher, 50, &err));
    fetcher_free(fetcher);
    assert_int_equal(ret->status, 200);
}

/* Neither by a line nor by an answer before its time does anybody learn that something came for few; who it is for does. */
static void only_whom_it_is_for_is_woken(void **state)
{
    (void)state;
    struct fetch_reply reply;
    until_heard();
    wait_for_news(NULL, 1, &reply);
    assert_false(holds(&reply, author.own.hex));
    assert_true(reply.took_ms >= 1000);
    fetch_reply_done(&reply);
    wait_for_news(&outsider, 1, &reply);
    assert_false(holds(&reply, author.own.hex));
    assert_true(reply.took_ms >= 1000);
    fetch_reply_done(&reply);
    wait_for_news(&reader, 30, &reply);
    assert_true(holds(&reply, author.own.hex));
    fetch_reply_done(&reply);
}

/* Whether something came for others does not stand in its cursor either. */
static void cursors_tell_nothing(void **state)
{
    (void)state;
    char url[512];
    struct signed_text text;
    struct fetch_reply before, after;
    until_heard();
    snprintf(url, sizeof(url), "%s/heads?since=", http_server_url(author.server));
    sign_request(&outsider, url, &(struct bend){0}, &text);
    assert_int_equal(send(url, &text, &before), 200);
    come_late();
    sign_request(&outsider, url, &(struct bend){0}, &text);
    assert_int_equal(send(url, &text, &after), 200);
    assert_string_equal(buf_cstr(&before.body), buf_cstr(&after.body));
    fetch_reply_done(&before);
    fetch_reply_done(&after);
    sign_request(&reader, url, &(struct bend){0}, &text);
    assert_int_equal(send(url, &text, &before), 200);
    come_late();
    sign_request(&reader, url, &(struct bend){0}, &text);
    assert_int_equal(send(url, &text, &after), 200);
    assert_string_not_equal(buf_cstr(&before.body), buf_cstr(&after.body));
    fetch_reply_done(&before);
    fetch_reply_done(&after);
}

/* What an author has lost it gets back from whom it gave it to, and from nobody else. */
static void the_author_has_it_back(void **state)
{
    (void)state;
    good(payload_drop_before(author.store, author.own.number, author.own.size, &err));
    assert_false(has_payload(&author, author.own.origin, secret_index, SECRET));
    for (int i = 0; i < 10 && !has_payload(&author, author.own.origin, secret_index, SECRET); i++)
        node_sync(&author);
    assert_true(has_payload(&author, author.own.origin, secret_index, SECRET));
}

/* ---- streams ---- */

struct following {
    struct fetcher *fetcher;
    struct buf heard;
    bool ended;
};

static int hear(void *ctx, struct span piece, struct err *ret)
{
    struct following *f = ctx;
    buf_span(&f->heard, piece);
    return buf_check(&f->heard, "events", ret);
}

static void has_ended(void *ctx, struct fetch_reply *reply)
{
    struct following *f = ctx;
    (void)reply;
    f->ended = true;
}

/* From the first that is kept on. */
static void follow(struct node *who, struct following *f)
{
    char url[512];
    struct signed_text text;
    *f = (struct following){.ended = false};
    buf_init(&f->heard, 65536);
    snprintf(url, sizeof(url), "%s/events?since=unknown", http_server_url(author.server));
    sign_request(who, url, &(struct bend){0}, &text);
    struct fetch_request request = {.url = url, .body_max = 65536, .sink = hear, .done = has_ended, .ctx = f};
    request.signature_input = text.input;
    request.signature = text.signature;
    request.signed_to = text.to;
    good(fetcher_new(&f->fetcher, &err));
    good(fetch_start(f->fetcher, &request, NULL, &err));
}

static bool is_told(struct following *f, const char *part)
{
    for (int i = 0; i < 200 && !f->ended && !strstr(buf_cstr(&f->heard), part); i++)
        good(fetcher_run(f->fetcher, 50, &err));
    return strstr(buf_cstr(&f->heard), part) != NULL;
}

/* /events is for users and the public: a signature, as good as it is, opens no more of it than everybody hears. */
static void a_member_follows(void **state)
{
    (void)state;
    struct following f;
    struct index *index;
    char secret[ORIGIN_MAX + 64], last[ORIGIN_MAX + 64];
    uint64_t index_of = say_to(&author, SECRET, TLP_AMBER_STRICT, reader.own.origin);
    node_say(&author, "after the secret");
    good(index_open(author.dir, &index, &err));
    good(index_update(index, author.store, 0, NULL, &err));
    index_close(index);
    snprintf(secret, sizeof(secret), "\"%s/%llu\"", author.own.origin, (unsigned long long)index_of);
    snprintf(last, sizeof(last), "\"%s/%llu\"", author.own.origin, (unsigned long long)author.own.size - 1);
    follow(&reader, &f);
    assert_true(is_told(&f, last));
    assert_null(strstr(buf_cstr(&f.heard), secret));
    assert_non_null(strstr(buf_cstr(&f.heard), "\"tlp\":\"clear\""));
    assert_null(strstr(buf_cstr(&f.heard), "(null)")); /* a profile bears no marking */
    fetcher_free(f.fetcher);
    buf_done(&f.heard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_audience_gets_it),
        cmocka_unit_test(what_is_bent_is_refused),
        cmocka_unit_test(forwarded_requests),
        cmocka_unit_test(once_only),
        cmocka_unit_test(refusals_are_counted),
        cmocka_unit_test(pulled_by_whom_it_is_for),
        cmocka_unit_test(only_whom_it_is_for_is_woken),
        cmocka_unit_test(cursors_tell_nothing),
        cmocka_unit_test(the_author_has_it_back),
        cmocka_unit_test(behind_a_web_server),
        cmocka_unit_test(not_after_a_restart),
        cmocka_unit_test(a_retired_key),
        cmocka_unit_test(a_seal_is_one_logs),
        cmocka_unit_test(a_guess_does_not_fit),
        cmocka_unit_test(a_member_follows),
        cmocka_unit_test(erased_is_erased_for_all),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    start_all();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    stop_all();
    return failed;
}

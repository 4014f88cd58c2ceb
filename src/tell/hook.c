/* Hooks: one POST with all that is new. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "base/json.h"
#include "base/random.h"
#include "base/when.h"
#include "connect/fetch.h"
#include "record/http_sig.h"
#include "state/author.h"
#include "tell/internal.h"

#define CONTENT_TYPE "application/json"
#define EXPIRES_S 300
#define ANSWER_MAX (64u << 10) /* bytes; nobody reads them */
#define LOOK_MS 200            /* whether to stop */

static int write_notice(struct tell_batch *batch, const struct notice *notice, struct err *err)
{
    char id[TELLER_ID + 1];
    int rc = teller_id(batch->store, batch->teller, notice->number, id, err);
    if (rc < 0)
        return rc;
    buf_str(&batch->out, batch->count > 0 ? ",\n" : "");
    return notice_json(batch->store, notice, batch->teller->full, id, &batch->out, err);
}

static void write_body(const struct tell_batch *batch, struct buf *out)
{
    char time[WHEN_TEXT_LEN + 1];
    when_format(batch->now_ms, time);
    buf_str(out, "{\"tongzhou\":\"notices/1\",\"node\":");
    buf_json_string(out, span_str(batch->self.origin));
    buf_fmt(out, ",\"time\":\"%s\",\"test\":%s,\"missed\":%llu,\"notices\":[\n", time,
            batch->is_test ? "true" : "false", (unsigned long long)batch->teller->missed);
    buf_span(out, buf_view(&batch->out));
    buf_str(out, "\n]}\n");
}

static bool field_of(void *ctx, struct span name, struct buf *out)
{
    const struct tell_job *job = ctx;
    if (span_is(name, "content-type"))
        buf_str(out, CONTENT_TYPE);
    else if (span_is(name, "content-digest"))
        buf_span(out, buf_view(&job->digest));
    else
        return false;
    return true;
}

/* What is signed, and by which key; the value of Signature-Input into the job. */
static int prepare(const struct tell_batch *batch, struct tell_job *job, struct buf *base, struct err *err)
{
    struct http_sig_message message = {.method = SPAN_LIT("POST"), .field = field_of, .ctx = job};
    char authority[HTTP_SIG_AUTHORITY_MAX + 1], nonce[BASE64_LEN(18) + 1];
    uint8_t random[18];
    struct buf keyid;
    if (!http_sig_url(span_str(batch->teller->target), authority, &message))
        return err_set(err, ERR_USAGE, "no host in the address");
    random_bytes(random, sizeof(random));
    base64_encode(random, sizeof(random), nonce);
    buf_init(&keyid, HTTP_SIG_FIELD_MAX);
    http_sig_keyid(span_str(batch->self.origin), &keyid);
    struct http_sig_draft draft = {.keyid = buf_view(&keyid),
                                   .created = batch->now_ms / 1000,
                                   .expires = batch->now_ms / 1000 + EXPIRES_S,
                                   .nonce = span_str(nonce),
                                   .is_hook = true};
    int rc = http_sig_prepare(&draft, &message, &job->input, base, err);
    buf_done(&keyid);
    return rc;
}

static int sign(const struct tell_batch *batch, struct tell_job *job, struct err *err)
{
    char text[BASE64_LEN(ED25519_SIG) + 1];
    uint8_t signature[ED25519_SIG];
    struct buf base;
    http_digest_write(buf_view(&job->body), &job->digest);
    buf_init(&base, HTTP_SIG_BASE_MAX);
    int rc = prepare(batch, job, &base, err);
    if (rc == 0)
        rc = author_sign_request(batch->store, batch->self.number, buf_view(&base), signature, err);
    buf_done(&base);
    if (rc < 0)
        return rc;
    base64_encode(signature, sizeof(signature), text);
    buf_fmt(&job->signature, HTTP_SIG_TAG "=:%s:", text);
    return buf_check(&job->signature, "signature", err);
}

static int finish(struct tell_batch *batch, struct tell_job *job, struct err *err)
{
    char name[40];
    struct err none = {0};
    write_body(batch, &job->body);
    int rc = buf_check(&job->body, "notices", err);
    if (rc == 0)
        rc = sign(batch, job, err);
    if (rc < 0)
        return rc;
    snprintf(name, sizeof(name), "tell-%lld", (long long)batch->teller->number);
    rc = secret_line(store_dir(batch->store), name, job->secret, &none);
    if (rc == ERR_NOTFOUND) {
        job->secret[0] = '\0';
        return 0;
    }
    if (rc == 0 && strlen(job->secret) > TELL_SECRET_MAX)
        return err_set(err, ERR_LIMIT, "%s: longer than %d bytes", name, TELL_SECRET_MAX);
    return rc ? err_set(err, rc, "%s", none.text) : 0;
}

struct answer {
    bool came;
    int code, status;
    unsigned retry_after_s;
    struct err err;
};

static void take(void *ctx, struct fetch_reply *reply)
{
    struct answer *answer = ctx;
    *answer = (struct answer){true, reply->code, reply->status, reply->retry_after_s, reply->err};
}

static int post(struct tell_job *job, const struct fetch_request *request, struct err *err)
{
    struct fetcher *fetcher;
    struct answer *answer = request->ctx;
    int rc = fetcher_new(&fetcher, err);
    if (rc)
        return rc;
    rc = fetch_start(fetcher, request, NULL, err);
    while (rc == 0 && !answer->came && !job->stop)
        rc = fetcher_run(fetcher, LOOK_MS, err);
    fetcher_free(fetcher);
    if (rc == 0 && !answer->came)
        return err_set(err, ERR_STATE, "it was cut off");
    if (rc == 0 && answer->code)
        *err = answer->err;
    /* Where to is not said: often the hook's own path with a slash more, and that path is what may be secret. */
    if (rc == 0 && answer->code == ERR_REFUSED && answer->status / 100 == 3)
        err_set(err, ERR_REFUSED, "it answered %d: a redirect, which is not followed", answer->status);
    return rc ? rc : answer->code;
}

static int send_all(struct tell_job *job, struct err *err)
{
    struct answer answer = {.came = false};
    char bearer[SECRET_LINE_MAX + 8];
    snprintf(bearer, sizeof(bearer), "Bearer %s", job->secret);
    struct fetch_request request = {.url = job->teller.target,
                                    .body_max = ANSWER_MAX,
                                    .signature_input = buf_cstr(&job->input),
                                    .signature = buf_cstr(&job->signature),
                                    .post_type = CONTENT_TYPE,
                                    .post = buf_view(&job->body),
                                    .content_digest = buf_cstr(&job->digest),
                                    .authorization = job->secret[0] ? bearer : NULL,
                                    .ca = buf_view(&job->ca),
                                    .total_ms = TELL_TOTAL_MS,
                                    .reach = job->teller.inside ? ADDRESS_NEAR : ADDRESS_PUBLIC,
                                    .done = take,
                                    .ctx = &answer};
    int rc = post(job, &request, err);
    sodium_memzero(bearer, sizeof(bearer));
    if (rc == 0 && (answer.status < 200 || answer.status > 299)) {
        job->retry_after_s = answer.retry_after_s;
        rc = err_set(err, ERR_NET, "it answered %d", answer.status);
    }
    return rc;
}

const struct tell_way tell_hook = {write_notice, finish, send_all};

/* Mail: what is new as lines; by libcurl's SMTP, with STARTTLS unless the operator said that there is none. */
#include <string.h>

#include "base/when.h"
#include "http/text.h"
#include "tell/internal.h"

static int write_notice(struct tell_batch *batch, const struct notice *notice, struct err *err)
{
    const struct notice_words *words = notice_words(notice->what);
    const char *lang = batch->teller->lang;
    char time[WHEN_TEXT_LEN + 1];
    when_format(notice->time_ms, time);
    buf_fmt(&batch->out, "%.10s %.5s  %s  ", time, time + 11, text_translate(lang, notice_topic_label(words->topic)));
    notice_sentence(notice, text_translate(lang, words->english), batch->teller->full, &batch->out);
    if (notice->count > 1)
        buf_fmt(&batch->out, " (%llu)", (unsigned long long)notice->count);
    buf_byte(&batch->out, '\n');
    size_t before = batch->out.len;
    buf_str(&batch->out, "    ");
    size_t indented = batch->out.len;
    int rc = notice_record(batch->store, notice, &batch->out, err);
    if (batch->out.failed == 0 && batch->out.len == indented)
        buf_cut(&batch->out, before);
    else
        buf_byte(&batch->out, '\n');
    return rc;
}

static int finish(struct tell_batch *batch, struct tell_job *job, struct err *err)
{
    const struct teller *t = batch->teller;
    buf_clear(&job->ca); /* the server's, not the address's */
    int rc = mail_server_get(batch->store, &job->server, &job->ca, err);
    if (rc == 0 && job->server.user[0])
        rc = secret_line(store_dir(batch->store), MAIL_PASSWORD, job->secret, err);
    if (rc < 0)
        return rc;
    struct letter letter = {.from = job->server.from,
                            .to = t->target + strlen("mailto:"),
                            .origin = batch->self.origin,
                            .lang = t->lang,
                            .now_ms = batch->now_ms,
                            .every_s = t->every_s,
                            .count = batch->count,
                            .more = batch->more,
                            .missed = t->missed,
                            .is_test = batch->is_test,
                            .lines = buf_view(&batch->out)};
    letter_write(&letter, &job->body);
    return buf_check(&job->body, "mail", err);
}

/* ---- sending ---- */

struct reading {
    struct span left;
};

static size_t read_some(char *out, size_t size, size_t count, void *ctx)
{
    struct reading *reading = ctx;
    size_t n = size * count < reading->left.len ? size * count : reading->left.len;
    memcpy(out, reading->left.data, n);
    reading->left = span_sub(reading->left, n, reading->left.len);
    return n;
}

static int perform(CURL *easy, struct tell_job *job, struct curl_slist *to, struct err *err)
{
    struct reading reading = {buf_view(&job->body)};
    char from[sizeof(job->server.from) + 2], detail[CURL_ERROR_SIZE];
    snprintf(from, sizeof(from), "<%s>", job->server.from);
    tell_dial(easy, job, job->server.inside, detail);
    curl_easy_setopt(easy, CURLOPT_URL, job->server.url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(easy, CURLOPT_USE_SSL, (long)(job->server.plain ? CURLUSESSL_TRY : CURLUSESSL_ALL));
    if (job->server.user[0]) {
        curl_easy_setopt(easy, CURLOPT_USERNAME, job->server.user);
        curl_easy_setopt(easy, CURLOPT_PASSWORD, job->secret);
    }
    curl_easy_setopt(easy, CURLOPT_MAIL_FROM, from);
    curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, to);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, read_some);
    curl_easy_setopt(easy, CURLOPT_READDATA, &reading);
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    CURLcode code = curl_easy_perform(easy);
    return code == CURLE_OK ? 0 : tell_dial_failed(code, detail, err);
}

static int send_all(struct tell_job *job, struct err *err)
{
    char recipient[260];
    snprintf(recipient, sizeof(recipient), "<%s>", job->teller.target + strlen("mailto:"));
    CURL *easy = curl_easy_init();
    struct curl_slist *to = easy ? curl_slist_append(NULL, recipient) : NULL;
    int rc = to ? perform(easy, job, to, err) : err_memory(err);
    curl_slist_free_all(to);
    if (easy)
        curl_easy_cleanup(easy);
    return rc;
}

const struct tell_way tell_mail = {write_notice, finish, send_all};

#include "tell/tell.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connect/fetch.h"
#include "tell/internal.h"

#define DAY_S 86400
#define DAY_BEGINS_S (6 * 3600) /* daily mail goes out at six in the morning, UTC */

static const struct tell_way *const ways[TELLER_KINDS] = {
    [TELLER_HOOK] = &tell_hook, [TELLER_MAIL] = &tell_mail, [TELLER_SYSLOG] = &tell_syslog};

struct tell_desk {
    struct teller tellers[TELLERS_MAX];
    size_t count;
    struct tell_job *jobs[TELLERS_MAX]; /* NULL: a free place */
    int64_t looked_upto[TELLERS_MAX];   /* the newest notice when there was nothing for the one of this place */
    int64_t looked_number[TELLERS_MAX];
};

int tell_desk_new(struct tell_desk **ret, struct err *err)
{
    int rc = fetch_ready(err);
    if (rc)
        return rc;
    *ret = calloc(1, sizeof(**ret));
    return *ret ? 0 : err_memory(err);
}

/* ---- jobs ---- */

static struct tell_job *job_new(const struct teller *teller)
{
    struct tell_job *job = calloc(1, sizeof(*job));
    if (!job)
        return NULL;
    job->teller = *teller;
    buf_init(&job->body, 4 * TELL_BODY_MAX);
    buf_init(&job->digest, 128);
    buf_init(&job->input, 8192);
    buf_init(&job->signature, 8192);
    buf_init(&job->ca, TELLER_CA_MAX);
    return job;
}

static void job_free(struct tell_job *job)
{
    if (!job)
        return;
    buf_done(&job->body);
    buf_done(&job->digest);
    buf_done(&job->input);
    buf_done(&job->signature);
    buf_done(&job->ca);
    sodium_memzero(job->secret, sizeof(job->secret));
    free(job);
}

static void *job_run(void *arg)
{
    struct tell_job *job = arg;
    job->rc = ways[job->teller.kind]->send(job, &job->err);
    job->ended = true;
    return NULL;
}

static void join(struct tell_job *job)
{
    if (!job->joined)
        pthread_join(job->thread, NULL);
    job->joined = true;
}

int64_t tell_next_due(int64_t every_s, int64_t now_ms)
{
    int64_t begins = every_s == DAY_S ? DAY_BEGINS_S : 0;
    if (every_s <= 0)
        return 0;
    return (((now_ms / 1000 - begins) / every_s + 1) * every_s + begins) * 1000;
}

/* It was joined. */
static int settle(struct store *store, const struct tell_job *job, int64_t now_ms, struct err *err)
{
    const struct teller *t = &job->teller;
    struct teller_taken taken = {.number = t->number,
                                 .last = job->last,
                                 .sent = job->count,
                                 .now_ms = now_ms,
                                 .due_ms = tell_next_due(t->every_s, now_ms)};
    if (job->rc == 0)
        return teller_done(store, &taken, err);
    if (job->rc == ERR_MEMORY) {
        *err = job->err;
        return job->rc;
    }
    return teller_failed(store, t->number, job->err.text, now_ms, (int64_t)job->retry_after_s * 1000, err);
}

/* ---- what is due ---- */

static int write_one(void *ctx, const struct notice *notice, struct err *err)
{
    struct tell_batch *batch = ctx;
    int rc = 0;
    if (batch->teller->kind == TELLER_MAIL && batch->count >= TELL_LINES_MAX)
        batch->more++;
    else
        rc = ways[batch->teller->kind]->write(batch, notice, err);
    batch->last = notice->number;
    batch->count++;
    return rc;
}

static int collect(struct tell_batch *batch, struct err *err)
{
    struct notice_query query;
    int rc = teller_query(batch->store, batch->teller, &query, err);
    query.max = batch->teller->kind == TELLER_MAIL ? 0 : TELL_AT_ONCE;
    return rc > 0 ? notice_each(batch->store, &query, write_one, batch, err) : rc;
}

static int find_self(struct tell_batch *batch, struct err *err)
{
    struct err nobody = {0};
    int rc = store_operator(batch->store, &batch->self, &nobody);
    return rc ? err_set(err, rc, "%s", nobody.text) : 0;
}

/* Whatever is wrong with this one: `theirs`. */
static int fill(struct tell_batch *batch, struct tell_job *job, struct err *theirs)
{
    char form[PEER_URL_MAX + 1];
    int rc = target_parse(span_str(batch->teller->target), true, &job->target, form, theirs);
    if (!rc)
        rc = teller_ca(batch->store, batch->teller->number, &job->ca, theirs);
    if (!rc)
        rc = buf_check(&batch->out, "notices", theirs);
    return rc ? rc : ways[batch->teller->kind]->finish(batch, job, theirs);
}

static int start(struct tell_desk *desk, size_t place, struct tell_batch *batch, struct err *err)
{
    struct err theirs = {0};
    struct tell_job *job = job_new(batch->teller);
    if (!job)
        return err_memory(err);
    job->last = batch->last;
    job->count = batch->count;
    int rc = fill(batch, job, &theirs);
    if (!rc && pthread_create(&job->thread, NULL, job_run, job) != 0)
        rc = err_set(&theirs, ERR_STATE, "no thread could be started");
    if (!rc) {
        desk->jobs[place] = job;
        return 0;
    }
    job_free(job);
    if (rc == ERR_MEMORY) {
        *err = theirs;
        return rc;
    }
    return teller_failed(batch->store, batch->teller->number, theirs.text, batch->now_ms, 0, err);
}

/* Whoever set the clock back does not silence anybody for longer than it would have waited. */
static bool is_due(const struct teller *t, int64_t now_ms)
{
    int64_t longest = t->every_s * 1000 > TELLER_BACKOFF_MAX_MS ? t->every_s * 1000 : TELLER_BACKOFF_MAX_MS;
    return t->due_ms <= now_ms || t->due_ms > now_ms + longest;
}

static int deliver(struct tell_desk *desk, size_t place, struct tell_batch *batch, int64_t newest, struct err *err)
{
    const struct teller *t = batch->teller;
    /* Mail may wait for a user's role to change or what it has not read: that is looked at whenever it is due. */
    if (t->kind != TELLER_MAIL && desk->looked_number[place] == t->number && desk->looked_upto[place] == newest)
        return 0;
    buf_init(&batch->out, TELL_BODY_MAX);
    int rc = collect(batch, err);
    /* On a disk that takes nothing a node that ends of it, and begins again and again, would tell all of it each time. */
    if (!rc && batch->count > 0)
        rc = teller_wait(batch->store, t->number, batch->now_ms, err);
    if (!rc && batch->count > 0)
        rc = start(desk, place, batch, err);
    else if (!rc && t->every_s > 0) /* what comes later is collected, too */
        rc = teller_wait(batch->store, t->number, tell_next_due(t->every_s, batch->now_ms), err);
    desk->looked_number[place] = rc == 0 && batch->count == 0 ? t->number : 0;
    desk->looked_upto[place] = newest;
    buf_done(&batch->out);
    return rc;
}

static int keep(void *ctx, const struct teller *teller, struct err *err)
{
    struct tell_desk *desk = ctx;
    (void)err;
    if (desk->count < TELLERS_MAX)
        desk->tellers[desk->count++] = *teller;
    return 0;
}

/* A free place, unless it is being told something. */
static bool find_place(const struct tell_desk *desk, const struct teller *t, size_t *ret)
{
    bool found = false;
    for (size_t i = 0; i < TELLERS_MAX; i++) {
        if (desk->jobs[i] && desk->jobs[i]->teller.number == t->number)
            return false;
        if (!desk->jobs[i] && (!found || desk->looked_number[i] == t->number)) {
            *ret = i;
            found = true;
        }
    }
    return found;
}

/* What came of a job that cannot be noted now is kept for the next round: to send it again each second would be no trying. */
static int settle_ended(struct tell_desk *desk, struct store *store, int64_t now_ms, struct err *err)
{
    int rc = 0;
    for (size_t i = 0; i < TELLERS_MAX && rc == 0; i++) {
        struct tell_job *job = desk->jobs[i];
        if (!job || !job->ended)
            continue;
        join(job);
        rc = settle(store, job, now_ms, err);
        if (rc && job->rc != ERR_MEMORY)
            break;
        desk->jobs[i] = NULL;
        job_free(job);
    }
    return rc;
}

int tell_round(struct tell_desk *desk, struct store *store, int64_t now_ms, struct err *err)
{
    struct tell_batch first = {.store = store, .now_ms = now_ms};
    int64_t newest = 0;
    int rc = settle_ended(desk, store, now_ms, err);
    desk->count = 0;
    if (!rc)
        rc = teller_each(store, keep, desk, err);
    if (rc || desk->count == 0)
        return rc;
    rc = find_self(&first, err);
    if (!rc)
        rc = notice_last(store, &newest, err);
    for (size_t i = 0; rc == 0 && i < desk->count; i++) {
        struct tell_batch batch = first;
        size_t place = 0;
        batch.teller = &desk->tellers[i];
        batch.last = batch.teller->last;
        if (is_due(batch.teller, now_ms) && find_place(desk, batch.teller, &place))
            rc = deliver(desk, place, &batch, newest, err);
    }
    return rc;
}

int tell_desk_close(struct tell_desk *desk, struct store *store, int64_t now_ms, struct err *err)
{
    int rc = 0;
    for (size_t i = 0; i < TELLERS_MAX; i++)
        if (desk->jobs[i])
            desk->jobs[i]->stop = true;
    for (size_t i = 0; i < TELLERS_MAX; i++) {
        struct tell_job *job = desk->jobs[i];
        if (!job)
            continue;
        join(job);
        if (rc == 0 && job->rc == 0) /* one that was cut off did not fail */
            rc = settle(store, job, now_ms, err);
        job_free(job);
    }
    free(desk);
    return rc;
}

int tell_test(struct store *store, const struct teller *teller, int64_t now_ms, struct err *err)
{
    struct tell_batch batch = {.store = store, .teller = teller, .now_ms = now_ms, .is_test = true};
    struct tell_job *job = job_new(teller);
    if (!job)
        return err_memory(err);
    buf_init(&batch.out, TELL_BODY_MAX);
    int rc = fetch_ready(err);
    if (!rc)
        rc = find_self(&batch, err);
    if (!rc)
        rc = fill(&batch, job, err);
    if (!rc)
        rc = ways[teller->kind]->send(job, err);
    buf_done(&batch.out);
    job_free(job);
    return rc;
}

/* ---- ports ---- */

struct ports {
    struct store *store;
    uint16_t *out;
    size_t count, max;
};

static void add_port(struct ports *ports, uint16_t port)
{
    for (size_t i = 0; i < ports->count; i++)
        if (ports->out[i] == port)
            return;
    if (port != 0 && ports->count < ports->max)
        ports->out[ports->count++] = port;
}

static int port_of(void *ctx, const struct teller *teller, struct err *err)
{
    char form[PEER_URL_MAX + 1];
    struct target target;
    struct err unknown = {0};
    (void)err;
    if (target_parse(span_str(teller->target), true, &target, form, &unknown) == 0)
        add_port(ctx, target_port(&target));
    return 0;
}

int tell_ports(struct store *store, uint16_t *out, size_t max, size_t *ret_count, struct err *err)
{
    struct ports ports = {.store = store, .out = out, .max = max};
    struct mail_server server;
    struct target target;
    struct buf ca;
    struct err none = {0};
    buf_init(&ca, TELLER_CA_MAX);
    int rc = teller_each(store, port_of, &ports, err);
    int has_mail = rc ? ERR_NOTFOUND : mail_server_get(store, &server, &ca, &none);
    buf_done(&ca);
    if (has_mail < 0 && has_mail != ERR_NOTFOUND)
        return err_set(err, has_mail, "%s", none.text);
    if (has_mail == 0 && target_parse_server(span_str(server.url), &target, &none) == 0)
        add_port(&ports, target_port(&target));
    *ret_count = ports.count;
    return rc;
}

/* Objections that wait: each author's last word, and a flood hides nobody. */
#include "index/made_log.h"

#include "moderation/moderation.h"
#include "state/complaints.h"

const struct capability *const capabilities[] = {&moderation_capability, NULL};

#define NOTES 400

struct desk {
    struct node node;
    struct index *index;
    struct view view;
    struct made_log author, flooder, quiet;
    int64_t number; /* the author's log */
    size_t given, of_flooder;
    char first[64], quiet_said[64]; /* the flooder's first that is given; what the other one said */
};

static void objects(struct made_log *log, const char *kind, const struct desk *d, uint64_t index, const char *why)
{
    char body[ORIGIN_MAX + 256];
    snprintf(body, sizeof(body), "{\"subject\":\"%s/%llu\",\"why\":\"%s\",\"good_faith\":true}", d->author.origin,
             (unsigned long long)index, why);
    made_record(log, kind, TLP_CLEAR, TIME_MS, "application/json", body);
}

static void desk_open(struct desk *d)
{
    memset(d, 0, sizeof(*d));
    node_start(&d->node);
    made_begin(&d->author, "author.example");
    made_begin(&d->flooder, "flooder.example");
    made_begin(&d->quiet, "quiet.example");
    for (int i = 0; i < NOTES; i++)
        made_record(&d->author, "culture/note", TLP_CLEAR, TIME_MS, "text/plain", "note");
    good(index_open(d->node.dir, &d->index, &err));
}

static void desk_fold(struct desk *d)
{
    d->number = made_feed(&d->author, d->node.store, d->author.count, true);
    made_feed(&d->flooder, d->node.store, d->flooder.count, true);
    made_feed(&d->quiet, d->node.store, d->quiet.count, true);
    good(index_update(d->index, d->node.store, 0, NULL, &err));
    struct viewer viewer = {.class = VIEWER_OPERATOR};
    good(view_open(d->node.store, d->index, viewer, OUTLET_CLI_LOG, &d->view, &err));
}

static void desk_close(struct desk *d)
{
    index_close(d->index);
    made_end(&d->author);
    made_end(&d->flooder);
    made_end(&d->quiet);
    node_stop(&d->node);
}

static int take(void *ctx, const struct open_complaint *one, struct err *err)
{
    struct desk *d = ctx;
    (void)err;
    d->given++;
    if (strcmp(one->origin, d->quiet.origin) == 0)
        snprintf(d->quiet_said, sizeof(d->quiet_said), "%.60s", one->said->why);
    else if (d->of_flooder++ == 0)
        snprintf(d->first, sizeof(d->first), "%.60s", one->said->why);
    return 0;
}

static void read_all(struct desk *d, int64_t subject)
{
    d->given = d->of_flooder = 0;
    d->first[0] = d->quiet_said[0] = '\0';
    good(queue_each(&d->view, subject, take, d, &err));
}

/* Thousands about records that are not here, hundreds about some that are, and one of somebody else. */
static void a_flood(void **state)
{
    (void)state;
    static struct desk d;
    char why[32];
    desk_open(&d);
    for (uint64_t i = 0; i < 1000; i++)
        objects(&d.flooder, NOTICE_KIND, &d, 100000 + i, "nowhere");
    for (uint64_t i = 1; i <= NOTES; i++) {
        snprintf(why, sizeof(why), "w%llu", (unsigned long long)i);
        objects(&d.flooder, NOTICE_KIND, &d, i, why);
    }
    objects(&d.quiet, NOTICE_KIND, &d, 7, "mine");
    desk_fold(&d);
    read_all(&d, 0);
    assert_int_equal(d.of_flooder, QUEUE_AUTHOR_MAX);
    assert_string_equal(d.first, "w400"); /* its newest */
    assert_string_equal(d.quiet_said, "mine");
    assert_int_equal(d.given, QUEUE_AUTHOR_MAX + 1);
    desk_close(&d);
}

static void last_words(void **state)
{
    (void)state;
    static struct desk d;
    desk_open(&d);
    for (int i = 0; i < 600; i++)
        objects(&d.flooder, NOTICE_KIND, &d, 3, i < 599 ? "again" : "last");
    objects(&d.flooder, NOTICE_KIND, &d, 4, "other");
    objects(&d.quiet, NOTICE_KIND, &d, 3, "first");
    objects(&d.quiet, NOTICE_KIND, &d, 3, "second");
    objects(&d.author, COUNTER_KIND, &d, 3, "no");
    desk_fold(&d);
    int64_t subject = RECORD_REF(d.number, 3);
    read_all(&d, subject);
    assert_int_equal(d.given, 3);
    assert_string_equal(d.first, "last");
    assert_string_equal(d.quiet_said, "second");
    read_all(&d, 0);
    assert_int_equal(d.given, 4);
    assert_string_equal(d.first, "other");
    /* What was answered waits no more. */
    good(store_begin(d.node.store, &err));
    struct log_info quiet;
    good(store_log_by_origin(d.node.store, span_str(d.quiet.origin), &quiet, &err));
    good(complaint_set_answer(d.node.store, RECORD_REF(quiet.number, d.quiet.count - 1), 1, &err));
    good(store_commit(d.node.store, &err));
    read_all(&d, subject);
    assert_int_equal(d.given, 2);
    assert_string_equal(d.quiet_said, "");
    desk_close(&d);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(a_flood), cmocka_unit_test(last_words)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

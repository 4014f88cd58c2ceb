/* How much of what came is here, by origin and by language. */
#include "index/made_log.h"

#include "moderation/moderation.h"

const struct capability *const capabilities[] = {&moderation_capability, NULL};

#define LANGUAGES 1100

struct told {
    uint64_t rows, here, more, en;
};

static int take(void *ctx, const struct rate *rate, struct err *err)
{
    struct told *told = ctx;
    (void)err;
    told->rows++;
    told->here += rate->here;
    if (strcmp(rate->name, "…") == 0)
        told->more = rate->here;
    if (strcmp(rate->name, "en") == 0)
        told->en = rate->here;
    return 0;
}

static void says(struct made_log *log, const char *lang)
{
    struct buf text;
    struct record_draft draft = {.kind = "culture/note",
                                 .time_ms = TIME_MS,
                                 .tlp = TLP_CLEAR,
                                 .lang = span_str(lang),
                                 .type = SPAN_LIT("text/plain"),
                                 .body = SPAN_LIT("word")};
    buf_init(&text, PAYLOAD_MAX);
    good(record_write(&draft, &text, &err));
    made_sealed(log, buf_view(&text), true);
    buf_done(&text);
}

/* Made-up languages count together, and for no other. */
static void made_up_languages(void **state)
{
    (void)state;
    static struct node node;
    static struct made_log log;
    struct index *index;
    struct view view;
    struct told told = {0}, origins = {0};
    char lang[16];
    node_start(&node);
    made_begin(&log, "a.example");
    for (int i = 0; i < LANGUAGES; i++) {
        snprintf(lang, sizeof(lang), "aa-x%04d", i);
        says(&log, lang);
    }
    says(&log, "en");
    good(index_open(node.dir, &index, &err));
    made_feed(&log, node.store, log.count, true);
    good(index_update(index, node.store, 0, NULL, &err));
    good(view_open(node.store, index, (struct viewer){.class = VIEWER_OPERATOR}, OUTLET_CLI_LOG, &view, &err));
    good(rates_each(&view, true, take, &told, &err));
    assert_int_equal(told.here, LANGUAGES + 1);
    assert_int_equal(told.rows, 1001);
    assert_int_equal(told.more, LANGUAGES + 1 - 1000);
    assert_int_equal(told.en, 0);
    good(rates_each(&view, false, take, &origins, &err));
    assert_int_equal(origins.rows, 1);
    assert_int_equal(origins.here, LANGUAGES + 1);
    index_close(index);
    made_end(&log);
    node_stop(&node);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(made_up_languages)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

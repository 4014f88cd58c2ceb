/* Vulnerabilities as viewers are told of them: from the versions that they may read, whoever else says what. */
#include "security/vulnerabilities.h"

#include "base/when.h"
#include "security/intel_help.h"
#include "state/notices.h"

#define DAY VULNERABILITY_DAY_MS
#define JSON_TYPE "application/json"

struct community {
    struct node node;
    struct made_log a, b;
    struct index *index;
    struct view everybody, ours;
};

static uint64_t say(struct made_log *log, enum tlp tlp, int64_t at_ms, int64_t open_by_ms, const char *more)
{
    char body[1024], time[WHEN_TEXT_LEN + 1] = "", date[64] = "";
    if (open_by_ms > 0) {
        when_format(TIME_MS + open_by_ms, time);
        snprintf(date, sizeof(date), ",\"open_by\":\"%s\"", time);
    }
    snprintf(body, sizeof(body), "{\"title\":\"hole\"%s%s}", date, more);
    return made_record(log, VULNERABILITY_KIND, tlp, TIME_MS + at_ms, JSON_TYPE, body);
}

/* "of" INDEX, since TIME_MS, these dates in days. */
static const char *later(uint64_t of, int64_t first_day, int64_t second_day)
{
    static char more[256];
    char since[WHEN_TEXT_LEN + 1], first[WHEN_TEXT_LEN + 1], second[WHEN_TEXT_LEN + 1];
    when_format(TIME_MS, since);
    when_format(TIME_MS + first_day * DAY, first);
    when_format(TIME_MS + second_day * DAY, second);
    snprintf(more, sizeof(more), ",\"of\":%llu,\"since\":\"%s\",\"dates\":[\"%s\"%s%s%s]", (unsigned long long)of,
             since, first, second_day ? ",\"" : "", second_day ? second : "", second_day ? "\"" : "");
    return more;
}

static void begin(struct community *c)
{
    node_start(&c->node);
    made_begin(&c->a, "a.example");
    made_begin(&c->b, "b.example");
    uint64_t first = say(&c->a, TLP_AMBER, 0, 30 * DAY, ""); /* 1 */
    assert_int_equal(first, 1);
    say(&c->a, TLP_AMBER, 10 * DAY, 60 * DAY, later(1, 30, 0));   /* 2: moved in time */
    say(&c->b, TLP_AMBER, 20 * DAY, 21 * DAY, "");                /* b: 1, another one */
    say(&c->b, TLP_CLEAR, 21 * DAY, 0, later(1, 21, 0));          /* b: 2 opens its own, not a's */
    say(&c->a, TLP_AMBER, 61 * DAY, 90 * DAY, later(1, 30, 60));  /* 3: late */
    say(&c->a, TLP_AMBER, 61 * DAY, 90 * DAY, later(4, 30, 60));  /* 4: of itself */
    say(&c->a, TLP_AMBER, 61 * DAY, 90 * DAY, later(77, 30, 60)); /* 5: of what is to come */
    say(&c->a, TLP_AMBER, 61 * DAY, 61 * DAY, "");                /* 6: no date behind its time */
    made_feed(&c->a, c->node.store, c->a.count, true);
    made_feed(&c->b, c->node.store, c->b.count, true);
    c->index = index_of(&c->node);
    update(c->index, c->node.store);
    c->everybody = public_view(c->node.store, c->index);
    c->ours = operator_view(c->node.store, c->index);
}

static void end(struct community *c)
{
    index_close(c->index);
    made_end(&c->a);
    made_end(&c->b);
    node_stop(&c->node);
}

/* "a/1 STATE MOVED LATE WITHHELD BEYOND[ by word]|" for each. */
static int add_text(void *ctx, const struct vulnerability_line *line, struct err *err)
{
    char *text = ctx;
    size_t len = strlen(text);
    (void)err;
    snprintf(text + len, 1024 - len, "%c/%llu %s %u %u %lld %lld%s|", line->origin[0],
             (unsigned long long)RECORD_REF_INDEX(line->root), vulnerability_state_word(&line->course),
             line->course.moved, line->course.moved_late, (long long)vulnerability_days(line->course.withheld_ms),
             (long long)vulnerability_days(line->course.beyond_ms), line->by_word ? " by word" : "");
    return 0;
}

static void expect(const struct view *view, int64_t at_ms, const char *expected)
{
    char text[1024] = "";
    good(vulnerabilities_each(view, TIME_MS + at_ms, 0, add_text, text, &err));
    assert_string_equal(text, expected);
}

static void each_by_its_own_versions(void **state)
{
    (void)state;
    struct community c;
    begin(&c);
    expect(&c.ours, 70 * DAY, "a/1 overdue 2 1 70 10|b/1 open 0 0 1 0|");
    expect(&c.ours, 60 * DAY, "a/1 withheld 2 1 60 0|b/1 open 0 0 1 0|");
    expect(&c.everybody, 70 * DAY, "b/1 open 0 0 21 0 by word|"); /* since when is its author's word */
    assert_int_equal(sql_number(c.index, "SELECT count(*) FROM security_vulnerability"), 5);
    end(&c);
}

static void one_of_its_versions(void **state)
{
    (void)state;
    struct community c;
    struct arena arena;
    struct vulnerability_line line;
    begin(&c);
    arena_init(&arena, 1u << 20);
    struct log_info a;
    good(store_log_by_origin(c.node.store, span_str(c.a.origin), &a, &err));
    for (uint64_t at = 1; at <= 3; at++) {
        good(vulnerability_of(&c.ours, RECORD_REF(a.number, at), TIME_MS, &arena, &line, &err));
        assert_int_equal(RECORD_REF_INDEX(line.root), 1);
        assert_int_equal(RECORD_REF_INDEX(line.newest), 3);
        assert_int_equal(line.version_count, 3);
        assert_int_equal(line.date_count, 3);
        bad(vulnerability_of(&c.everybody, RECORD_REF(a.number, at), TIME_MS, &arena, &line, &err), ERR_NOTFOUND, "");
    }
    for (uint64_t at = 4; at <= 6; at++)
        bad(vulnerability_of(&c.ours, RECORD_REF(a.number, at), TIME_MS, &arena, &line, &err), ERR_NOTFOUND, "");
    arena_done(&arena);
    end(&c);
}

/* What is withdrawn counts no more: its author's later word stands for it. */
static void the_first_is_withdrawn(void **state)
{
    (void)state;
    struct community c;
    struct log_info a;
    begin(&c);
    good(store_log_by_origin(c.node.store, span_str(c.a.origin), &a, &err));
    good(payload_erase(c.node.store, a.number, 1, &err));
    good(index_forget(c.index, RECORD_REF(a.number, 1), &err));
    expect(&c.ours, 70 * DAY, "a/1 overdue 2 1 70 10 by word|b/1 open 0 0 1 0|");
    end(&c);
}

static void figures_and_the_limit(void **state)
{
    (void)state;
    struct community c;
    struct buf out;
    unsigned days = 0;
    begin(&c);
    buf_init(&out, 4096);
    good(vulnerability_figures(&c.ours, TIME_MS + 60 * DAY + 1, &out, &err));
    assert_non_null(strstr(buf_cstr(&out), "\ntongzhou_vulnerabilities_withheld 1\n"));
    assert_non_null(strstr(buf_cstr(&out), "\ntongzhou_vulnerabilities_overdue{author=\"own\"} 0\n"));
    assert_non_null(strstr(buf_cstr(&out), "\ntongzhou_vulnerabilities_overdue{author=\"others\"} 1\n"));
    buf_done(&out);
    good(vulnerability_limit(c.node.store, &days, &err));
    assert_int_equal(days, VULNERABILITY_DAYS);
    good(vulnerability_set_limit(c.node.store, 1, &err));
    good(vulnerability_limit(c.node.store, &days, &err));
    assert_int_equal(days, 1);
    bad(vulnerability_set_limit(c.node.store, 0, &err), ERR_LIMIT, "");
    bad(vulnerability_set_limit(c.node.store, VULNERABILITY_DAYS_MAX + 1, &err), ERR_LIMIT, "");
    good(vulnerabilities_tell(c.node.store, c.index, TIME_MS + 500 * DAY, &err)); /* of others' nobody here is told */
    int64_t last = 0;
    good(notice_last(c.node.store, &last, &err));
    assert_int_equal(last, 0);
    end(&c);
}

static int count_statement(unsigned type, void *ctx, void *statement, void *text)
{
    (void)type, (void)statement, (void)text;
    ++*(unsigned *)ctx;
    return 0;
}

static unsigned statements_of_figures(struct community *c)
{
    unsigned count = 0;
    struct buf out;
    buf_init(&out, 4096);
    sqlite3_trace_v2(index_db(c->index), SQLITE_TRACE_STMT, count_statement, &count);
    good(vulnerability_figures(&c->ours, TIME_MS, &out, &err));
    sqlite3_trace_v2(index_db(c->index), 0, NULL, NULL);
    buf_done(&out);
    return count;
}

/* However many were open from the beginning, as a feed has them: what is withheld is counted without a look at each. */
static void those_that_are_open_cost_nothing(void **state)
{
    (void)state;
    struct community c;
    begin(&c);
    unsigned before = statements_of_figures(&c);
    assert_true(before > 0);
    assert_int_equal(sqlite3_exec(index_db(c.index),
                                  "INSERT INTO security_vulnerability(ref, root, time_ms, open_by_ms, shown)"
                                  " SELECT ref + 1000, root + 1000, time_ms, 0, 1 FROM security_vulnerability",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sql_number(c.index, "SELECT count(*) FROM security_vulnerability"), 10);
    assert_int_equal(statements_of_figures(&c), before);
    end(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_by_its_own_versions),         cmocka_unit_test(one_of_its_versions),
        cmocka_unit_test(the_first_is_withdrawn),           cmocka_unit_test(figures_and_the_limit),
        cmocka_unit_test(those_that_are_open_cost_nothing),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

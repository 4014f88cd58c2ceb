#include "plain.h"

static int parse_charter(const char *body, struct arena *arena, struct charter *out, struct err *err)
{
    arena_clear(arena);
    return charter_parse_body(span_str(body), arena, out, err);
}

static void charters(void **state)
{
    (void)state;
    static struct charter charter, again;
    struct arena arena;
    struct buf text;
    struct record record;
    arena_init(&arena, 1u << 20);
    buf_init(&text, INLINE_MAX);
    charter_default("Harbour", &charter);
    assert_int_equal(charter.article_count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_non_null(charter.articles[i].measure);
    good(charter_write(&charter, PLAIN_TIME_MS, &text, &err));
    good(record_parse(buf_view(&text), &arena, &record, &err));
    good(charter_parse(&record, &arena, &again, &err));
    assert_string_equal(again.name, "Harbour");
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(again.articles[i].title, charter.articles[i].title);
        assert_string_equal(again.articles[i].text, charter.articles[i].text);
        assert_string_equal(again.articles[i].measure, charter.articles[i].measure);
    }
    assert_int_equal(again.endorsements, 1);
    assert_int_equal(again.sponsors, 2);
    assert_int_equal(again.notice_days, 30);
#define REST "\"endorsements\":1,\"sponsors\":2,\"notice_days\":3}"
    good(parse_charter("{\"name\":\"a\",\"articles\":[{\"title\":\"t\",\"text\":\"x\\n\\n y\",\"more\":1}]," REST,
                       &arena, &again, &err));
    assert_string_equal(again.articles[0].text, "x\n\n y");
    assert_null(again.articles[0].measure);
    bad(parse_charter("[]", &arena, &again, &err), ERR_SYNTAX, "object");
    bad(parse_charter("{\"name\":\"a\",\"articles\":[]," REST, &arena, &again, &err), ERR_LIMIT, "0 items");
    bad(parse_charter("{\"name\":\"a\"," REST, &arena, &again, &err), ERR_SYNTAX, "articles");
    bad(parse_charter("{\"name\":\"a\",\"articles\":[{\"title\":\"t\",\"text\":\"\"}]," REST, &arena, &again, &err),
        ERR_LIMIT, "article 1");
    bad(parse_charter("{\"name\":\"a\",\"articles\":[{\"title\":\"t\",\"text\":\"a\\u0007b\"}]," REST, &arena, &again,
                      &err),
        ERR_SYNTAX, "control");
    bad(parse_charter("{\"name\":\"a\",\"articles\":[{\"title\":\"t\",\"text\":\"x\"}],\"endorsements\":99999,"
                      "\"sponsors\":2,\"notice_days\":3}",
                      &arena, &again, &err),
        ERR_LIMIT, "endorsements");
    buf_done(&text);
    arena_done(&arena);
}

#define A "a.example/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "b.example/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX "1111111111111111111111111111111111111111111111111111111111111111"
#define ADD(o, p) "{\"origin\":\"" o "\",\"operator\":\"" p "\",\"class\":\"civil\"}"

static int parse_roster(const char *body, struct arena *arena, struct roster_version *out, struct err *err)
{
    struct record record = {.kind = SPAN_LIT(ROSTER_KIND), .body = span_str(body)};
    arena_clear(arena);
    return roster_parse(&record, arena, out, err);
}

static void rosters(void **state)
{
    (void)state;
    struct arena arena;
    struct roster_version version;
    arena_init(&arena, 4u << 20);
    good(parse_roster("{\"version\":1,\"charter\":\"" HEX "\",\"additions\":[" ADD(A, A) "," ADD(B, A) "]}", &arena,
                      &version, &err));
    assert_int_equal(version.addition_count, 2);
    assert_string_equal(version.additions[1].operator, A);
    assert_int_equal(version.additions[0].class, CLASS_CIVIL);
    bad(parse_roster("{\"version\":0,\"charter\":\"" HEX "\",\"additions\":[" ADD(A, A) "]}", &arena, &version, &err),
        ERR_SYNTAX, "the first is 1");
    bad(parse_roster("{\"version\":1025,\"charter\":\"" HEX "\",\"additions\":[" ADD(A, A) "]}", &arena, &version,
                     &err),
        ERR_LIMIT, "version");
    bad(parse_roster("{\"version\":2,\"charter\":\"" HEX "\",\"additions\":[" ADD(A, A) "]}", &arena, &version, &err),
        ERR_SYNTAX, "parent");
    bad(parse_roster("{\"version\":1,\"charter\":\"" HEX "\",\"parent\":\"" HEX "\",\"additions\":[" ADD(A, A) "]}",
                     &arena, &version, &err),
        ERR_SYNTAX, "parent");
    bad(parse_roster("{\"version\":2,\"charter\":\"" HEX "\",\"parent\":\"" HEX "\",\"refounds\":\"" HEX
                     "\",\"additions\":[" ADD(A, A) "]}",
                     &arena, &version, &err),
        ERR_SYNTAX, "refounds");
    bad(parse_roster("{\"version\":1,\"charter\":\"" HEX "\",\"additions\":[" ADD(B, B) "," ADD(A, A) "]}", &arena,
                     &version, &err),
        ERR_SYNTAX, "addition 1");
    bad(parse_roster("{\"version\":1,\"charter\":\"" HEX "\",\"additions\":[" ADD(A, A) "," ADD(A, A) "]}", &arena,
                     &version, &err),
        ERR_SYNTAX, "ascend");
    bad(parse_roster("{\"version\":1,\"charter\":\"" HEX "\",\"additions\":[]}", &arena, &version, &err), ERR_SYNTAX,
        "founders");
    bad(parse_roster("{\"version\":2,\"charter\":\"" HEX "\",\"parent\":\"" HEX
                     "\",\"additions\":[" ADD(A, A) "],\"removals\":[{\"origin\":\"" A "\",\"reason\":\"left\"}]}",
                     &arena, &version, &err),
        ERR_SYNTAX, "both added and removed");
    bad(parse_roster("{\"version\":2,\"charter\":\"" HEX "\",\"parent\":\"" HEX "\",\"removals\":[{\"origin\":\"" A
                     "\",\"reason\":\"gone\"}]}",
                     &arena, &version, &err),
        ERR_SYNTAX, "neither left nor excluded");
    bad(parse_roster("{\"version\":1,\"charter\":\"" HEX "\",\"additions\":[{\"origin\":\"" A "\",\"operator\":\"" A
                     "\",\"class\":\"civil\",\"sponsors\":[\"" B "\"]}]}",
                     &arena, &version, &err),
        ERR_SYNTAX, "no sponsors");
    bad(parse_roster("{\"version\":1,\"charter\":\"" HEX "\",\"additions\":[{\"origin\":\"nobody\",\"operator\":\"" A
                     "\",\"class\":\"civil\"}]}",
                     &arena, &version, &err),
        ERR_SYNTAX, "no origin");
    arena_done(&arena);
}

static void statements(void **state)
{
    (void)state;
    for (enum statement_type type = STATEMENT_ENDORSE; type <= STATEMENT_LEAVE; type++) {
        struct statement said = {.type = type, .target = {1, 2, 3}}, again;
        struct buf text;
        struct arena arena;
        struct record record;
        said.has_parent = type == STATEMENT_ENDORSE;
        said.parent[5] = said.has_parent;
        if (type == STATEMENT_SPONSOR)
            snprintf(said.origin, sizeof(said.origin), "%s", A);
        if (type != STATEMENT_ENDORSE)
            snprintf(said.message, sizeof(said.message), "with a word");
        buf_init(&text, INLINE_MAX);
        arena_init(&arena, 1u << 20);
        good(statement_write(&said, PLAIN_TIME_MS, &text, &err));
        assert_int_equal(entry_classify(buf_view(&text)), ENTRY_INLINE);
        good(record_parse(buf_view(&text), &arena, &record, &err));
        good(statement_parse(&record, &again, &err));
        assert_memory_equal(&said, &again, sizeof(said));
        memset(said.target, 0, 32); /* all zero names nothing, and is still 32 bytes in form */
        snprintf(said.origin, sizeof(said.origin), "not an origin");
        if (type == STATEMENT_SPONSOR)
            bad(statement_write(&said, PLAIN_TIME_MS, &text, &err), ERR_SYNTAX, "no origin");
        arena_done(&arena);
        buf_done(&text);
    }
    struct record record = {.kind = SPAN_LIT(JOIN_KIND), .body = SPAN_LIT("{\"community\":\"ABC\"}")};
    struct statement said;
    bad(statement_parse(&record, &said, &err), ERR_SYNTAX, "hex");
    record.kind = SPAN_LIT("governance/other");
    bad(statement_parse(&record, &said, &err), ERR_SYNTAX, "no statement");
}

static void groups(void **state)
{
    (void)state;
    struct arena arena;
    struct buf text;
    struct record record;
    const char *members[] = {B, A};
    struct group group = {.name = "cert-desk", .members = members, .count = 2}, again;
    struct span origin, name;
    arena_init(&arena, 4u << 20);
    buf_init(&text, PAYLOAD_MAX);
    good(group_write(&group, TLP_CLEAR, PLAIN_TIME_MS, &text, &err));
    good(record_parse(buf_view(&text), &arena, &record, &err));
    assert_true(payload_foldable(&record));
    good(group_parse(&record, &arena, &again, &err));
    assert_string_equal(again.members[0], A);
    assert_string_equal(again.members[1], B);
    record.body = SPAN_LIT("{\"name\":\"x\",\"members\":[\"" B "\",\"" A "\"]}");
    bad(group_parse(&record, &arena, &again, &err), ERR_SYNTAX, "ascend");
    record.body = SPAN_LIT("{\"name\":\"X\",\"members\":[]}");
    bad(group_parse(&record, &arena, &again, &err), ERR_SYNTAX, "a to z");
    record.body = SPAN_LIT("{\"name\":\"x\",\"members\":[\"" A "\"],\"ended\":true}");
    bad(group_parse(&record, &arena, &again, &err), ERR_SYNTAX, "no members");
    record.body = SPAN_LIT("{\"name\":\"x\",\"members\":[],\"ended\":true}");
    good(group_parse(&record, &arena, &again, &err));
    assert_true(again.ended);
    assert_true(group_address(SPAN_LIT(A "#cert-desk"), &origin, &name));
    assert_true(span_is(origin, A) && span_is(name, "cert-desk"));
    assert_false(group_address(SPAN_LIT(A), &origin, &name));
    assert_false(group_address(SPAN_LIT(A "#-x"), &origin, &name));
    assert_false(group_address(SPAN_LIT("#x"), &origin, &name));
    assert_false(group_address(SPAN_LIT(A "#x#y"), &origin, &name));
    arena_done(&arena);
    buf_done(&text);
}

static void grants(void **state)
{
    (void)state;
    struct arena arena;
    struct buf text;
    struct record record;
    struct grant grant = {.group = A "#cert-desk", .has_since = true, .since_ms = PLAIN_TIME_MS - 5}, again;
    arena_init(&arena, 1u << 20);
    buf_init(&text, PAYLOAD_MAX);
    good(grant_write(&grant, PLAIN_TIME_MS, &text, &err));
    good(record_parse(buf_view(&text), &arena, &record, &err));
    assert_true(payload_foldable(&record));
    assert_int_equal(record.tlp, TLP_AMBER_STRICT); /* nobody else learns who is granted what */
    assert_int_equal(record.to_count, 1);
    assert_true(span_is(record.to[0], A "#cert-desk"));
    good(grant_parse(&record, &again, &err));
    assert_string_equal(again.group, grant.group);
    assert_true(again.has_since && again.since_ms == grant.since_ms);
    record.body = SPAN_LIT("{\"group\":\"" A "#cert-desk\"}");
    good(grant_parse(&record, &again, &err));
    assert_false(again.has_since);
    record.body = SPAN_LIT("{\"group\":\"" A "\"}");
    bad(grant_parse(&record, &again, &err), ERR_SYNTAX, "no ORIGIN#NAME");
    record.body = SPAN_LIT("{\"group\":\"" A "#x\",\"since\":\"yesterday\"}");
    bad(grant_parse(&record, &again, &err), ERR_SYNTAX, "no time");
    record.body = SPAN_LIT("{}");
    bad(grant_parse(&record, &again, &err), ERR_SYNTAX, "group");
    record.body = SPAN_LIT("[]");
    bad(grant_parse(&record, &again, &err), ERR_SYNTAX, "object");
    record.has_time = false;
    bad(grant_parse(&record, &again, &err), ERR_SYNTAX, "no time line");
    struct grant wrong = {.group = "x"};
    bad(grant_write(&wrong, PLAIN_TIME_MS, &text, &err), ERR_SYNTAX, "no ORIGIN#NAME");
    arena_done(&arena);
    buf_done(&text);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(charters), cmocka_unit_test(rosters), cmocka_unit_test(statements),
        cmocka_unit_test(groups),   cmocka_unit_test(grants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

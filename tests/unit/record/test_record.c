#include "record/sample.h"

#include "base/when.h"

static struct arena arena;
static struct err err;

static int parse(const char *text, struct record *out)
{
    arena_clear(&arena);
    err = (struct err){0};
    return record_parse(span_str(text), &arena, out, &err);
}

static void everything_is_read(void **state)
{
    (void)state;
    struct record r;
    assert_int_equal(parse("tongzhou/1 security/stix\n"
                           "time 2026-11-22T11:14:26.123Z\n"
                           "tlp amber+strict\n"
                           "to isac\n"
                           "to cert.example.org/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"
                           "ref https://example.org/x\n"
                           "lang zh-Hans\n"
                           "type application/stix+json;version=2.1\n"
                           "x-note two  words\n"
                           "x-note 同舟共济\n"
                           "\n"
                           "body\n\nwith \x01 anything",
                           &r),
                     0);
    assert_true(span_is(r.kind, "security/stix"));
    assert_true(r.has_time);
    assert_int_equal(r.time_ms, SAMPLE_TIME);
    assert_int_equal(r.tlp, TLP_AMBER_STRICT);
    assert_int_equal(r.to_count, 2);
    assert_true(span_is(r.to[0], "isac"));
    assert_int_equal(r.ref_count, 1);
    assert_true(span_is(r.ref[0], "https://example.org/x"));
    assert_true(span_is(r.lang, "zh-Hans"));
    assert_true(span_is(r.type, "application/stix+json;version=2.1"));
    assert_int_equal(r.line_count, 9);
    assert_true(span_is(r.lines[8].value, "同舟共济"));
    assert_false(r.hold);
    assert_true(span_is(r.body, "body\n\nwith \x01 anything"));
}

static void the_least_record(void **state)
{
    (void)state;
    struct record r;
    assert_int_equal(parse("tongzhou/1 a/b\n\n", &r), 0);
    assert_false(r.has_time);
    assert_int_equal(r.tlp, TLP_NONE);
    assert_int_equal(r.line_count, 0);
    assert_int_equal(r.body.len, 0);
    assert_false(r.hold);
    assert_int_equal(parse("tongzhou/1 seal\nsha256 00\n\n", &r), 0);
    assert_true(span_is(r.kind, "seal"));
}

static void what_must_be_understood_holds(void **state)
{
    (void)state;
    struct record r;
    assert_int_equal(parse("tongzhou/1 a/b\n!embargo until\nzeta 1\n\n", &r), 0);
    assert_true(r.hold);
    assert_int_equal(parse("tongzhou/1 a/b\ntlp purple\n\n", &r), 0);
    assert_true(r.hold);
    assert_int_equal(r.tlp, TLP_NONE);
    /* Only the exact words count: another spelling must not be read as wider by one reader than by another. */
    assert_int_equal(parse("tongzhou/1 a/b\ntlp TLP:CLEAR\n\n", &r), 0);
    assert_true(r.hold);
    assert_int_equal(parse("tongzhou/1 a/b\nembargo until\n\n", &r), 0);
    assert_false(r.hold);
}

static const struct {
    const char *text, *says;
} refused[] = {
    {"", "line 1"},
    {"tongzhou/1 a/b", "without an empty line"},
    {"tongzhou/1 a/b\n", "without an empty line"},
    {"tongzhou/1 a/b\nlang en\n", "without an empty line"},
    {"\n\n", "expected \"tongzhou/1 KIND\""},
    {"tongzhou/2 a/b\n\n", "another version, this program reads version 1, found \"tongzhou/2 "},
    {"tongzhou/12 a/b\n\n", "another version"},
    {"tongzhou/1  a/b\n\n", "expected a kind"},
    {"tongzhou/1\ta/b\n\n", "expected \"tongzhou/1 KIND\""},
    {"Tongzhou/1 a/b\n\n", "expected \"tongzhou/1 KIND\""},
    {"tongzhou/1 a/b \n\n", "expected a kind"},
    {"tongzhou/1 a/b\r\n\r\n", "expected a kind"},
    {"tongzhou/1 a\n\n", "expected a kind"},
    {"tongzhou/1 /b\n\n", "expected a kind"},
    {"tongzhou/1 a/\n\n", "expected a kind"},
    {"tongzhou/1 a/b/c\n\n", "expected a kind"},
    {"tongzhou/1 A/b\n\n", "expected a kind"},
    {"tongzhou/1 a/b\ntime 2026-11-22T11:14:26Z\n\n", "line 2: time: expected"},
    {"tongzhou/1 a/b\ntime 2026-13-22T11:14:26.123Z\n\n", "time: expected"},
    {"tongzhou/1 a/b\ntlp clear\ntime 2026-11-22T11:14:26.123Z\n\n", "line 3: out of order"},
    {"tongzhou/1 a/b\nlang en\nto x\n\n", "out of order"},
    {"tongzhou/1 a/b\nx y\nlang en\n\n", "out of order"},
    {"tongzhou/1 a/b\ntlp clear\ntlp clear\n\n", "line 3: repeated"},
    {"tongzhou/1 a/b\nlang en\nlang de\n\n", "repeated"},
    {"tongzhou/1 a/b\nto x\nto y\nto x\n\n", "line 4: repeated value"},
    {"tongzhou/1 a/b\nref x\nref x\n\n", "repeated value"},
    {"tongzhou/1 a/b\ny 1\nx 1\n\n", "not ascending"},
    {"tongzhou/1 a/b\nx 2\nx 1\n\n", "not ascending"},
    {"tongzhou/1 a/b\nx 1\nx 1\n\n", "not ascending"},
    {"tongzhou/1 a/b\nx 1\n!x 1\n\n", "not ascending"},
    {"tongzhou/1 a/b\nx\n\n", "expected a value"},
    {"tongzhou/1 a/b\nx \n\n", "expected a value"},
    {"tongzhou/1 a/b\nx  1\n\n", "expected a value"},
    {"tongzhou/1 a/b\nx 1 \n\n", "expected a value"},
    {"tongzhou/1 a/b\nx \t\n\n", "expected a value"},
    {"tongzhou/1 a/b\nx a\x7f\n\n", "expected a value"},
    {"tongzhou/1 a/b\nx a\xc2\x85z\n\n", "expected a value"},
    {"tongzhou/1 a/b\nx \xff\n\n", "expected a value"},
    {"tongzhou/1 a/b\nx \xed\xa0\x80\n\n", "expected a value"},
    {"tongzhou/1 a/b\nX 1\n\n", "expected a name"},
    {"tongzhou/1 a/b\n1x 1\n\n", "expected a name"},
    {"tongzhou/1 a/b\n!!x 1\n\n", "expected a name"},
    {"tongzhou/1 a/b\n! 1\n\n", "expected a name"},
    {"tongzhou/1 a/b\n x\n\n", "expected a name"},
    {"tongzhou/1 a/b\nto a b\n\n", "to: expected"},
    {"tongzhou/1 a/b\nref a b\n\n", "ref: expected"},
    {"tongzhou/1 a/b\nlang e\n\n", "lang: expected"},
    {"tongzhou/1 a/b\nlang en_GB\n\n", "lang: expected"},
    {"tongzhou/1 a/b\nlang -en\n\n", "lang: expected"},
    {"tongzhou/1 a/b\ntype json\n\n", "type: expected"},
    {"tongzhou/1 a/b\ntype /json\n\n", "type: expected"},
    {"tongzhou/1 a/b\ntype a/b c\n\n", "type: expected"},
};

static void out_of_form_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct record r;
        int rc = parse(refused[i].text, &r);
        if (rc != ERR_SYNTAX || !strstr(err.text, refused[i].says))
            fail_msg("case %zu: %d \"%s\", expected \"%s\"", i, rc, err.text, refused[i].says);
        assert_int_equal(err.code, ERR_SYNTAX);
    }
}

static void errors_show_a_strangers_bytes_escaped(void **state)
{
    (void)state;
    struct record r;
    assert_int_equal(parse("tongzhou/1 a/b\nx \x1b[31mred\n\n", &r), ERR_SYNTAX);
    assert_null(strchr(err.text, 0x1b));
}

static void lengths_are_bounded(void **state)
{
    (void)state;
    struct buf text;
    struct record r;
    buf_init(&text, PAYLOAD_MAX + 2);

    /* One line: 1,024 bytes are allowed, 1,025 are not. */
    for (int over = 0; over <= 1; over++) {
        buf_clear(&text);
        buf_fmt(&text, "tongzhou/1 a/b\nx %0*d\n\n", RECORD_LINE_MAX - 2 + over, 0);
        arena_clear(&arena);
        assert_int_equal(record_parse(buf_view(&text), &arena, &r, &err), over ? ERR_LIMIT : 0);
    }
    assert_non_null(strstr(err.text, "header line 2: longer than 1024 bytes"));

    /* The header: 8,192 bytes with newlines, without the empty line. */
    for (size_t over = 0; over <= 1; over++) {
        buf_clear(&text);
        buf_str(&text, "tongzhou/1 a/b\n");
        for (int i = 0; i < 8; i++)
            buf_fmt(&text, "x%d %0*d\n", i, 996, 0);
        buf_fmt(&text, "y %0*d\n\n", (int)(RECORD_HEADER_MAX - text.len - 3 + over), 0);
        assert_int_equal(text.len, RECORD_HEADER_MAX + 1 + over);
        arena_clear(&arena);
        assert_int_equal(record_parse(buf_view(&text), &arena, &r, &err), over ? ERR_LIMIT : 0);
    }

    /* Lines: 512. */
    for (int over = 0; over <= 1; over++) {
        buf_clear(&text);
        buf_str(&text, "tongzhou/1 a/b\n");
        for (int i = 0; i < RECORD_LINES_MAX + over; i++)
            buf_fmt(&text, "to %03d\n", i);
        buf_byte(&text, '\n');
        arena_clear(&arena);
        assert_int_equal(record_parse(buf_view(&text), &arena, &r, &err), over ? ERR_LIMIT : 0);
    }

    /* The whole: 16 MiB. */
    for (size_t over = 0; over <= 1; over++) {
        buf_clear(&text);
        buf_str(&text, "tongzhou/1 a/b\n\n");
        memset(buf_room(&text, PAYLOAD_MAX - text.len + over), 'x', PAYLOAD_MAX - 16 + over);
        arena_clear(&arena);
        assert_int_equal(record_parse(buf_view(&text), &arena, &r, &err), over ? ERR_LIMIT : 0);
    }
    buf_done(&text);
}

static void kinds(void **state)
{
    (void)state;
    char longest[66];
    memset(longest, 'a', sizeof(longest));
    longest[1] = '/';
    assert_true(record_kind_valid(span_of(longest, 64)));
    assert_false(record_kind_valid(span_of(longest, 65)));
    assert_true(record_kind_valid(SPAN_LIT("a/b")));
    assert_true(record_kind_valid(SPAN_LIT("security/stix-2")));
    assert_true(record_kind_valid(SPAN_LIT("seal")));
    assert_false(record_kind_valid(SPAN_LIT("seals")));
    assert_false(record_kind_valid(SPAN_LIT("")));
}

static void tlp_words(void **state)
{
    (void)state;
    assert_true(TLP_RED > TLP_AMBER_STRICT && TLP_AMBER_STRICT > TLP_AMBER && TLP_AMBER > TLP_GREEN);
    for (enum tlp t = TLP_CLEAR; t <= TLP_RED; t++)
        assert_int_equal(tlp_parse(span_str(tlp_word(t))), t);
    assert_null(tlp_word(TLP_NONE));
    assert_int_equal(tlp_parse(SPAN_LIT("TLP:Amber+Strict")), TLP_AMBER_STRICT);
    assert_int_equal(tlp_parse(SPAN_LIT("tlp:WHITE")), TLP_CLEAR);
    assert_int_equal(tlp_parse(SPAN_LIT("RED")), TLP_RED);
    assert_int_equal(tlp_parse(SPAN_LIT("tlp:")), TLP_NONE);
    assert_int_equal(tlp_parse(SPAN_LIT("")), TLP_NONE);
    assert_int_equal(tlp_parse(SPAN_LIT("amber strict")), TLP_NONE);
}

static void drafts_out_of_form_are_refused(void **state)
{
    (void)state;
    const struct span twice[] = {SPAN_LIT("x"), SPAN_LIT("x")}, split = SPAN_LIT("x\nref y"), empty = {0};
    const struct record_line known = {SPAN_LIT("lang"), SPAN_LIT("en")}, bad = {SPAN_LIT("x"), SPAN_LIT("a\nb")};
    const struct record_line descending[] = {{SPAN_LIT("y"), SPAN_LIT("1")}, {SPAN_LIT("x"), SPAN_LIT("1")}};
    const struct record_draft drafts[] = {
        {.kind = "nokind"},
        {.kind = "a/b", .time_ms = -1},
        {.kind = "a/b", .time_ms = WHEN_MAX_MS + 1},
        {.kind = "a/b", .to = twice, .to_count = 2},
        {.kind = "a/b", .to = &split, .to_count = 1},
        {.kind = "a/b", .ref = &empty, .ref_count = 1},
        {.kind = "a/b", .lang = SPAN_LIT("en\n")},
        {.kind = "a/b", .type = SPAN_LIT("text")},
        {.kind = "a/b", .extra = &known, .extra_count = 1},
        {.kind = "a/b", .extra = &bad, .extra_count = 1},
        {.kind = "a/b", .extra = descending, .extra_count = 2},
    };
    struct buf out;
    buf_init(&out, 4096);
    buf_str(&out, "before");
    for (size_t i = 0; i < sizeof(drafts) / sizeof(drafts[0]); i++) {
        if (record_write(&drafts[i], &out, &err) != ERR_SYNTAX)
            fail_msg("draft %zu was written", i);
        assert_true(span_is(buf_view(&out), "before"));
    }
    buf_done(&out);
}

static void a_full_buffer_is_an_error(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 20);
    const struct record_draft draft = {.kind = "a/b", .body = SPAN_LIT("body")};
    assert_int_equal(record_write(&draft, &out, &err), ERR_LIMIT);
    buf_done(&out);
}

/* ---- property: what is written is read back as it was given ---- */

static uint64_t random_state = 0x9e3779b97f4a7c15u;

static unsigned roll(unsigned below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)(random_state >> 33) % below;
}

static struct span random_word(char *at, unsigned number)
{
    static const char *const parts[] = {"a", "Z", "9", "-", "/", "é", "舟", "🜨", "ق", "~", ":"};
    size_t len = (size_t)sprintf(at, "w%u", number);
    for (unsigned n = roll(20); n > 0; n--)
        len += (size_t)sprintf(at + len, "%s", parts[roll(sizeof(parts) / sizeof(parts[0]))]);
    return span_of(at, len);
}

/* What a random draft borrows from. */
struct random_parts {
    char word_text[16][160], name_text[8][16];
    uint8_t body[300];
    struct span words[16];
    struct record_line extra[8];
};

/* Half of the drafts carry unknown names; the first two of them may begin with '!', both or none. */
static void random_draft(struct random_parts *parts, struct record_draft *out)
{
    bool bang = roll(2);
    for (unsigned i = 0; i < 16; i++)
        parts->words[i] = random_word(parts->word_text[i], i);
    for (unsigned i = 0; i < 8; i++) {
        int len = sprintf(parts->name_text[i], "%sx%u-z", bang && i < 2 ? "!" : "", i);
        parts->extra[i] = (struct record_line){span_of(parts->name_text[i], (size_t)len), parts->words[roll(16)]};
    }
    for (size_t i = 0; i < sizeof(parts->body); i++)
        parts->body[i] = (uint8_t)roll(256);
    unsigned skip = roll(8);
    *out = (struct record_draft){
        .kind = "a/b",
        .time_ms = (int64_t)roll(1u << 30) * 200000,
        .tlp = (enum tlp)roll(6),
        .lang = roll(2) ? SPAN_LIT("ar") : (struct span){0},
        .type = roll(2) ? SPAN_LIT("text/plain; charset=utf-8") : (struct span){0},
        .to = parts->words,
        .to_count = roll(8),
        .ref = parts->words + 8,
        .ref_count = roll(8),
        .extra = parts->extra + skip,
        .extra_count = roll(2) ? 8 - skip : 0,
        .body = span_of(parts->body, roll(sizeof(parts->body))),
    };
}

static void assert_says(const struct record *r, const struct record_draft *draft)
{
    bool hold = false;
    assert_true(r->has_time && r->time_ms == draft->time_ms && r->tlp == draft->tlp);
    assert_true(span_eq(r->lang, draft->lang) && span_eq(r->type, draft->type) && span_eq(r->body, draft->body));
    assert_int_equal(r->to_count, draft->to_count);
    assert_int_equal(r->ref_count, draft->ref_count);
    for (size_t i = 0; i < r->to_count; i++)
        assert_true(span_eq(r->to[i], draft->to[i]));
    for (size_t i = 0; i < r->ref_count; i++)
        assert_true(span_eq(r->ref[i], draft->ref[i]));
    for (size_t i = 0; i < draft->extra_count; i++) {
        const struct record_line *line = &r->lines[r->line_count - draft->extra_count + i];
        assert_true(span_eq(line->name, draft->extra[i].name) && span_eq(line->value, draft->extra[i].value));
        hold = hold || line->name.data[0] == '!';
    }
    assert_int_equal(r->hold, hold);
}

static void round_trips(void **state)
{
    (void)state;
    static struct random_parts parts;
    struct buf out;
    buf_init(&out, 1u << 20);
    for (int round = 0; round < 2000; round++) {
        struct record_draft draft;
        struct record r;
        random_draft(&parts, &draft);
        buf_clear(&out);
        arena_clear(&arena);
        if (record_write(&draft, &out, &err) < 0 || record_parse(buf_view(&out), &arena, &r, &err) < 0)
            fail_msg("round %d: %s", round, err.text);
        assert_says(&r, &draft);
    }
    buf_done(&out);
}

/* Damage any byte: the record is refused, or what it says differs; it is never misread in silence or overrun. */
static void damaged_headers_are_noticed(void **state)
{
    (void)state;
    static const char good[] = "tongzhou/1 a/b\ntime 2026-11-22T11:14:26.123Z\ntlp red\nto x\nref y\nlang en\n"
                               "type a/b\nz 1\n\nbody";
    size_t header = sizeof(good) - 1 - 4;
    for (size_t at = 0; at < header; at++)
        for (unsigned flip = 1; flip < 256; flip <<= 1) {
            char text[sizeof(good)];
            struct record r;
            memcpy(text, good, sizeof(good));
            text[at] = (char)(text[at] ^ (char)flip);
            arena_clear(&arena);
            if (record_parse(span_of(text, sizeof(good) - 1), &arena, &r, &err) < 0)
                continue;
            struct buf again;
            buf_init(&again, 4096);
            buf_fmt(&again, "tongzhou/1 %.*s\n", SPAN_ARGS(r.kind));
            for (size_t i = 0; i < r.line_count; i++)
                buf_fmt(&again, "%.*s %.*s\n", SPAN_ARGS(r.lines[i].name), SPAN_ARGS(r.lines[i].value));
            buf_fmt(&again, "\n%.*s", SPAN_ARGS(r.body));
            assert_true(span_eq(buf_view(&again), span_of(text, sizeof(good) - 1)));
            buf_done(&again);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_read),
        cmocka_unit_test(the_least_record),
        cmocka_unit_test(what_must_be_understood_holds),
        cmocka_unit_test(out_of_form_is_refused),
        cmocka_unit_test(errors_show_a_strangers_bytes_escaped),
        cmocka_unit_test(lengths_are_bounded),
        cmocka_unit_test(kinds),
        cmocka_unit_test(tlp_words),
        cmocka_unit_test(drafts_out_of_form_are_refused),
        cmocka_unit_test(a_full_buffer_is_an_error),
        cmocka_unit_test(round_trips),
        cmocka_unit_test(damaged_headers_are_noticed),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    arena_init(&arena, 1u << 20);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}

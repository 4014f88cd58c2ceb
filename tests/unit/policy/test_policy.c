/* The rule file: what is accepted, what is refused and how it is told, what a rule means. */
#include "sample.h"

#define CERT "cert.example.org/" HASH_A
#define ISAC "isac.example.net/" HASH_B
#define OTHER "isac.example.net/" HASH_C

static const struct policy_content note = {.kind = SPAN_LIT("security/stix"),
                                           .language = SPAN_LIT("zh-Hans"),
                                           .tlp = TLP_CLEAR,
                                           .score = 50,
                                           .size = 1500,
                                           .age_s = 86400};

static struct policy_member member(const char *origin)
{
    return (struct policy_member){.origin = span_str(origin), .class = CLASS_STATE, .jurisdiction = SPAN_LIT("DE")};
}

static enum policy_act decide(const struct policy *policy, enum policy_question question, const char *from,
                              const char *to, const struct policy_content *content, struct policy_verdict *ret)
{
    struct policy_bits author, viewer;
    struct policy_known known;
    struct policy_member by = member(from), sees = member(to ? to : CERT);
    policy_author(policy, &by, &author);
    policy_viewer(policy, to ? &sees : NULL, &viewer);
    policy_known(policy, content, &known);
    policy_decide(policy, question, &author, &viewer, &known, NULL, ret);
    return ret->act;
}

/* ---- decisions ---- */

static void test_first_match_decides(void **state)
{
    (void)state;
    struct policy_verdict v;
    struct policy *policy = sample_policy("# partners first\n"
                                          "set partners = { " CERT ", isac.example.net/bbbba… }\n"
                                          "\n"
                                          "accept from @partners # whatever it is\n"
                                          "hold kind culture/* \\\n"
                                          "     language { zh en } reason \"read first\"\n"
                                          "refuse accept size > 1kB reason \"too \\\"long\\\"\"\n");
    assert_int_equal(policy_rule_count(policy), 3);
    assert_int_equal(decide(policy, POLICY_ACCEPT, CERT, NULL, &note, &v), POLICY_YES);
    assert_int_equal(v.line, 4);
    assert_true(span_is(v.rule, "accept from @partners"));
    assert_int_equal(decide(policy, POLICY_ACCEPT, ISAC, NULL, &note, &v), POLICY_YES);
    assert_int_equal(decide(policy, POLICY_ACCEPT, OTHER, NULL, &note, &v), POLICY_REFUSE);
    assert_int_equal(v.line, 7);
    assert_true(span_is(v.reason, "too \"long\""));
    struct policy_content essay = note;
    essay.kind = SPAN_LIT("culture/essay");
    assert_int_equal(decide(policy, POLICY_ACCEPT, OTHER, NULL, &essay, &v), POLICY_HOLD);
    assert_int_equal(v.line, 5);
    assert_true(span_is(v.rule, "hold kind culture/* \\\n     language { zh en } reason \"read first\""));
    essay.language = SPAN_LIT("ar");
    essay.size = 1000;
    assert_int_equal(decide(policy, POLICY_ACCEPT, OTHER, NULL, &essay, &v), POLICY_YES);
    assert_int_equal(v.line, 0);
    policy_free(policy);
}

static void test_what_holds_without_a_rule(void **state)
{
    (void)state;
    struct policy_verdict v;
    struct policy *policy = sample_policy("");
    struct policy_content amber = note;
    amber.tlp = TLP_AMBER;
    assert_int_equal(decide(policy, POLICY_ACCEPT, CERT, NULL, &note, &v), POLICY_YES);
    assert_int_equal(decide(policy, POLICY_ENFORCE, CERT, NULL, &note, &v), POLICY_YES);
    assert_int_equal(decide(policy, POLICY_MIRROR, CERT, NULL, &note, &v), POLICY_OPEN);
    assert_int_equal(decide(policy, POLICY_SHARE, CERT, NULL, &note, &v), POLICY_YES);
    assert_int_equal(decide(policy, POLICY_SHARE, CERT, ISAC, &amber, &v), POLICY_REFUSE);
    policy_free(policy);
    policy = sample_policy(policy_builtin);
    assert_int_equal(decide(policy, POLICY_SHARE, CERT, ISAC, &amber, &v), POLICY_YES);
    for (enum policy_question q = 0; q < POLICY_QUESTIONS; q++)
        assert_false(policy_decides(policy, q));
    policy_free(policy);
}

static void test_who_looks(void **state)
{
    (void)state;
    struct policy_verdict v;
    struct policy_content amber = note;
    amber.tlp = TLP_AMBER;
    struct policy *policy = sample_policy("refuse share from cert.example.org to ! * reason \"not to the public\"\n"
                                          "share tlp <= amber to-class state to-trust > 1\n"
                                          "trust isac.example.net/bbbba = 2\n");
    assert_int_equal(decide(policy, POLICY_SHARE, CERT, NULL, &note, &v), POLICY_REFUSE);
    assert_int_equal(v.line, 1);
    assert_int_equal(decide(policy, POLICY_SHARE, CERT, ISAC, &amber, &v), POLICY_YES);
    assert_int_equal(v.line, 2);
    assert_int_equal(decide(policy, POLICY_SHARE, CERT, OTHER, &amber, &v), POLICY_REFUSE);
    assert_int_equal(v.line, 0);
    amber.tlp = TLP_AMBER_STRICT;
    assert_int_equal(decide(policy, POLICY_SHARE, CERT, ISAC, &amber, &v), POLICY_REFUSE);
    policy_free(policy);
}

static void test_mirror(void **state)
{
    (void)state;
    struct policy_verdict v;
    struct policy *policy = sample_policy("mirror recent 500 from cert.example.org\nmirror heads jurisdiction de\n"
                                          "mirror none reason \"nobody else\"\n");
    assert_int_equal(decide(policy, POLICY_MIRROR, CERT, NULL, &note, &v), POLICY_RECENT);
    assert_int_equal(v.recent, 500);
    assert_int_equal(decide(policy, POLICY_MIRROR, ISAC, NULL, &note, &v), POLICY_HEADS);
    struct policy_member stranger = {.origin = span_str(OTHER), .class = CLASS_UNKNOWN};
    struct policy_bits author;
    struct policy_known known;
    policy_author(policy, &stranger, &author);
    policy_known_nothing(policy, &known);
    policy_decide(policy, POLICY_MIRROR, &author, NULL, &known, NULL, &v);
    assert_int_equal(v.act, POLICY_LEAVE);
    assert_true(span_is(v.reason, "nobody else"));
    policy_free(policy);
}

/* Before a content is fetched only its author is known: what would need more is open. */
static void test_before_fetching(void **state)
{
    (void)state;
    struct policy_verdict v;
    struct policy_bits author;
    struct policy_known known;
    struct policy *policy = sample_policy("refuse accept from cert.example.org reason \"no\"\n"
                                          "refuse accept kind culture/* from isac.example.net reason \"no works\"\n"
                                          "refuse share tlp clear class state reason \"x\"\nshare kind culture/*\n");
    struct policy_member cert = member(CERT), isac = member(ISAC);
    policy_known_nothing(policy, &known);
    policy_author(policy, &cert, &author);
    policy_decide(policy, POLICY_ACCEPT, &author, NULL, &known, NULL, &v);
    assert_int_equal(v.act, POLICY_REFUSE);
    policy_author(policy, &isac, &author);
    policy_decide(policy, POLICY_ACCEPT, &author, NULL, &known, NULL, &v);
    assert_int_equal(v.act, POLICY_OPEN);
    struct policy_bits viewer;
    policy_viewer(policy, NULL, &viewer);
    policy_known_tlp(policy, TLP_CLEAR, &known);
    policy_decide(policy, POLICY_SHARE, &author, &viewer, &known, NULL, &v);
    assert_int_equal(v.act, POLICY_REFUSE);
    policy_known_tlp(policy, TLP_GREEN, &known);
    policy_decide(policy, POLICY_SHARE, &author, &viewer, &known, NULL, &v);
    assert_int_equal(v.act, POLICY_OPEN);
    policy_free(policy);
}

static void test_limits(void **state)
{
    (void)state;
    struct policy_verdict v;
    struct policy_bits author;
    struct policy_known known;
    struct policy_member cert = member(CERT);
    struct policy *policy = sample_policy("limit 10/day from cert.example.org\nlimit 2kB/hour reason \"slowly\"\n");
    assert_true(policy_counts(policy));
    policy_author(policy, &cert, &author);
    policy_known(policy, &note, &known);
    struct policy_counts counts = {.records_day = 9, .bytes_hour = 1999};
    policy_decide(policy, POLICY_ACCEPT, &author, NULL, &known, &counts, &v);
    assert_int_equal(v.act, POLICY_YES);
    counts.bytes_hour = 2000;
    policy_decide(policy, POLICY_ACCEPT, &author, NULL, &known, &counts, &v);
    assert_int_equal(v.act, POLICY_HOLD);
    assert_int_equal(v.line, 2);
    counts.records_day = 10;
    policy_decide(policy, POLICY_ACCEPT, &author, NULL, &known, &counts, &v);
    assert_int_equal(v.line, 1);
    policy_free(policy);
}

static void test_treaties_are_placed(void **state)
{
    (void)state;
    struct policy_verdict v;
    struct policy *policy = sample_policy("include treaties\nhold\n");
    assert_int_equal(policy_rule_count(policy), 2);
    assert_int_equal(decide(policy, POLICY_ACCEPT, CERT, NULL, &note, &v), POLICY_HOLD);
    assert_int_equal(v.line, 2);
    policy_free(policy);
}

static void test_versions(void **state)
{
    (void)state;
    struct policy_verdict v;
    struct policy *a = sample_policy("hold\n"), *b = sample_policy("hold \n");
    assert_int_equal(strlen(policy_version(a)), POLICY_VERSION_LEN);
    assert_string_not_equal(policy_version(a), policy_version(b));
    assert_true(policy_rule_at(a, 1, &v));
    assert_int_equal(v.act, POLICY_HOLD);
    assert_false(policy_rule_at(a, 2, &v));
    policy_free(a);
    policy_free(b);
    a = sample_policy("");
    assert_string_equal(policy_version(a), "e3b0c44298fc"); /* SHA-256 of nothing */
    policy_free(a);
}

/* ---- errors ---- */

static struct policy_errors errors;

static void expect_error(const char *text, unsigned line, unsigned column, const char *part)
{
    struct policy *policy = NULL;
    struct err err = {0};
    if (policy_parse(span_str(text), &policy, &errors, &err) != ERR_SYNTAX)
        fail_msg("accepted: %s", text);
    if (errors.count != 1 || errors.item[0].line != line || errors.item[0].column != column ||
        !strstr(errors.item[0].text, part))
        fail_msg("%s\n%zu errors, the first %u:%u \"%s\", expected %u:%u \"%s\"", text, errors.count,
                 errors.item[0].line, errors.item[0].column, errors.item[0].text, line, column, part);
}

static void test_errors(void **state)
{
    (void)state;
    expect_error("allow", 1, 1, "found `allow`, expected a rule");
    expect_error("accept\n  accept colour red", 2, 10, "found `colour`, expected a condition");
    expect_error("refuse accept kind culture/*", 1, 1, "`reason \"...\"` is missing");
    expect_error("refuse kind culture/* reason \"x\"", 1, 8, "expected accept, share or enforce");
    expect_error("accept kind culture", 1, 13, "allowed: a kind");
    expect_error("accept kind seal", 1, 13, "allowed: a kind");
    expect_error("accept tlp <= purple", 1, 15, "allowed: clear");
    expect_error("accept tlp <= none", 1, 15, "an order");
    expect_error("accept trust 5", 1, 14, "from 0 to 4");
    expect_error("accept class >= state", 1, 14, "no order");
    expect_error("accept kind >= a/b", 1, 13, "a kind");
    expect_error("accept score > 101", 1, 16, "from 0 to 100");
    expect_error("accept size 2kB-1kB", 1, 13, "allowed: bytes");
    expect_error("accept age 30", 1, 12, "allowed: an age");
    expect_error("accept language zh_CN", 1, 17, "a language range");
    expect_error("accept from Cert", 1, 13, "a member's name");
    expect_error("accept from cert.example.org/abc", 1, 13, "an origin's beginning");
    expect_error("accept from cert.example.org/abc1…", 1, 13, "an origin's beginning");
    expect_error("accept group partners", 1, 14, "ORIGIN#name");
    expect_error("accept from @partners", 1, 13, "no set `@partners` above");
    expect_error("accept to cert.example.org", 1, 8, "only rules that share");
    expect_error("mirror full kind a/b", 1, 13, "whole logs");
    expect_error("mirror some", 1, 8, "full, recent N, heads or none");
    expect_error("mirror recent", 1, 14, "found the end of the file, expected a number");
    expect_error("limit 10/week", 1, 7, "a rate");
    expect_error("accept reason \"x\"", 1, 8, "behind refuse, hold, limit");
    expect_error("hold reason \"x", 1, 13, "ends with \"");
    expect_error("hold reason \"\"", 1, 13, "not empty");
    expect_error("hold reason x", 1, 13, "in quotes");
    expect_error("accept kind a/b kind c/d", 1, 17, "into one list");
    expect_error("accept from { }", 1, 13, "an empty list");
    expect_error("set a = { x }\nset a = { y }\naccept from @a", 2, 5, "in line 1 already");
    expect_error("set self = { x }", 1, 5, "a set's name");
    expect_error("set a = { x } y", 1, 15, "expected the end of the line");
    expect_error("trust x = 9", 1, 11, "from 0 to 4");
    expect_error("include contracts", 1, 9, "expected treaties");
    expect_error("accept from \x01", 1, 13, "no meaning");
    expect_error("accept from a\xff", 1, 13, "not UTF-8");
    expect_error("hold reason \"\xe2\x80\xa6\" kind @", 1, 22, "");
}

/* A person sees all at once; a brace that is not closed hides nothing. */
static void test_errors_go_on(void **state)
{
    (void)state;
    struct policy *policy = NULL;
    struct err err = {0};
    const char *text = "accept colour red\n"
                       "set a = {\n"
                       "  x = y\n"
                       "  z\n"
                       "}\n"
                       "accept score 500\n"
                       "set b = { p q\n"
                       "refuse share\n"
                       "hold\n";
    assert_int_equal(policy_parse(span_str(text), &policy, &errors, &err), ERR_SYNTAX);
    static const unsigned lines[] = {1, 3, 6, 7, 8};
    assert_int_equal(errors.count, 5);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(errors.item[i].line, lines[i]);
    assert_false(errors.more);
    char many[60 * 8] = "";
    for (size_t i = 0; i < 60; i++)
        memcpy(many + i * 8, "allow  \n", 8);
    assert_int_equal(policy_parse(span_of(many, sizeof(many)), &policy, &errors, &err), ERR_SYNTAX);
    assert_int_equal(errors.count, POLICY_ERRORS_MAX);
    assert_true(errors.more);
}

static void test_bounds(void **state)
{
    (void)state;
    struct policy *policy = NULL;
    struct err err = {0};
    struct buf text;
    buf_init(&text, 4 * POLICY_TEXT_MAX);
    for (size_t i = 0; i < POLICY_RULES_MAX; i++)
        buf_str(&text, "hold\n");
    assert_int_equal(policy_parse(buf_view(&text), &policy, &errors, &err), 0);
    policy_free(policy);
    buf_str(&text, "hold\n");
    assert_int_equal(policy_parse(buf_view(&text), &policy, &errors, &err), ERR_SYNTAX);
    assert_non_null(strstr(err.text, "more than 2048 rules"));
    buf_clear(&text);
    buf_str(&text, "set s0 = { x }\n");
    for (int i = 1; i <= POLICY_NESTING_MAX; i++)
        buf_fmt(&text, "set s%d = { @s%d }\n", i, i - 1);
    assert_int_equal(policy_parse(buf_view(&text), &policy, &errors, &err), ERR_SYNTAX);
    assert_non_null(strstr(err.text, "9:"));
    assert_non_null(strstr(err.text, "8 deep"));
    /* Sets that double: never more items than allowed. */
    buf_clear(&text);
    buf_str(&text, "set s0 = { a b c d e f g h }\n");
    for (int i = 1; i <= 6; i++)
        buf_fmt(&text, "set s%d = { @s%d @s%d @s%d @s%d @s%d @s%d @s%d @s%d }\n", i, i - 1, i - 1, i - 1, i - 1, i - 1,
                i - 1, i - 1, i - 1);
    assert_int_equal(policy_parse(buf_view(&text), &policy, &errors, &err), ERR_SYNTAX);
    assert_non_null(strstr(err.text, "items in all sets"));
    buf_clear(&text);
    while (text.len <= POLICY_TEXT_MAX)
        buf_str(&text, "# nothing\n");
    assert_int_equal(policy_parse(buf_view(&text), &policy, &errors, &err), ERR_LIMIT);
    buf_done(&text);
}

/* ---- adopted lists ---- */

static void test_lists(void **state)
{
    (void)state;
    static const char rules[] = "refuse accept from @list:bad reason \"blocked\"\n"
                                "hold from ! @list:known\n";
    static const char lists[] = "\n" POLICY_LISTS_LINE "\nset list:bad = { evil.example worse.example }\n";
    struct policy *policy = NULL;
    struct err err = {0};
    struct buf text;
    struct policy_bits author;
    struct policy_known nothing;
    struct policy_verdict said;
    buf_init(&text, 65536);
    buf_str(&text, rules);
    for (int adopted = 0; adopted < 2; adopted++) {
        if (adopted)
            buf_str(&text, lists);
        assert_int_equal(policy_parse(buf_view(&text), &policy, &errors, &err), 0);
        assert_true(span_is(policy_file_part(buf_view(&text)), rules));
        struct policy_member evil = {.origin = span_str("evil.example/"
                                                        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
                                     .class = CLASS_UNKNOWN};
        policy_author(policy, &evil, &author);
        policy_known_nothing(policy, &nothing);
        policy_decide(policy, POLICY_ACCEPT, &author, NULL, &nothing, NULL, &said);
        assert_int_equal(said.act, adopted ? POLICY_REFUSE : POLICY_HOLD);
        assert_int_equal(said.line, adopted ? 1 : 2);
        assert_int_equal(policy_rule_count(policy), 2);
        policy_free(policy);
    }
    /* Errors among lists count lines through; nothing but lists may stand there, and they nowhere else. */
    buf_str(&text, "share\n");
    assert_int_equal(policy_parse(buf_view(&text), &policy, &errors, &err), ERR_SYNTAX);
    assert_non_null(strstr(err.text, "6:1:"));
    assert_int_equal(policy_parse(span_str("set list:bad = { a }\n"), &policy, &errors, &err), ERR_SYNTAX);
    assert_int_equal(policy_parse(span_str("hold from @list:Bad\n"), &policy, &errors, &err), ERR_SYNTAX);
    buf_done(&text);
}

/* ---- explaining ---- */

static void test_explain(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 65536);
    struct policy *policy = sample_policy("share tlp <= green to-class { state civil }\n"
                                          "limit 20MB/day from { a b c d e f }\n"
                                          "mirror recent 10 trust < 2\n"
                                          "refuse accept language ! { zh none } size > 1MB reason \"x\"\n"
                                          "enforce score { 30-100 none } age <= 30d\n"
                                          "include treaties\n");
    policy_explain(policy, &out);
    assert_string_equal(
        buf_cstr(&out),
        "line 3: mirror: a log from members of trust 0 or 1 is mirrored with the contents of its newest 10 entries\n"
        "line 2: accept: a content from a, b, c, d or 2 others is held once its author has brought in 20 MB within a "
        "day\n"
        "line 4: accept: a content in language anything but zh or none of a size of more than 1 MB is refused: "
        "x\n"
        "line 6: accept: here clauses of treaties would stand; there are none\n"
        "line 1: share: a content with TLP clear or green to members of class state or civil is shared\n"
        "line 5: enforce: a content with a score of 30 to 100 or none stated of an age of at most 30d takes "
        "effect\n");
    policy_free(policy);
    buf_done(&out);
}

/* ---- warnings ---- */

static void note_warning(void *ctx, unsigned line, const char *text)
{
    buf_fmt(ctx, "%u: %s\n", line, text);
}

static const char *warnings(const char *text, struct buf *out)
{
    struct policy *policy = sample_policy(text);
    struct policy_member known[] = {member(CERT), member(ISAC)};
    buf_clear(out);
    policy_warn(policy, known, 2, false, note_warning, out);
    policy_free(policy);
    return buf_cstr(out);
}

static void test_shadowed(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 65536);
    static const char *const dead[] = {
        "accept\nhold kind a/b\n",
        "hold kind a/*\nhold kind a/b\n",
        "hold kind *\nhold\n",
        "hold tlp <= amber\nhold tlp green\n",
        "hold tlp ! red\nhold tlp { clear none }\n",
        "hold size > 1kB\nhold size 1MB-2MB\n",
        "hold score ! 5\nhold score { 6-7 none }\n",
        "hold language zh\nhold language { zh-hans zh }\n",
        "hold language ! zh\nhold language { en }\n",
        "hold language ! zh\nhold language ! { zh en }\n",
        "hold from isac.example.net\nhold from " ISAC "\n",
        "hold from isac.example.net/bbbb…\nhold from " ISAC "\n",
        "hold from ! isac.example.net\nhold from cert.example.org\n",
        "set s = { cert.example.org }\nhold from @s\nhold from @s kind a/b\n",
        "hold sector ! energy\nhold sector ! { energy water }\n",
        "refuse share to-class state reason \"x\"\nshare to-class state kind a/b\n",
        "accept\ninclude treaties\nhold\n",
    };
    static const char *const alive[] = {
        "hold kind a/b\nhold kind a/*\n",
        "accept\nrefuse share reason \"x\"\n",
        "limit 5/day\nhold kind a/b\n",
        "include treaties\nhold\n",
        "hold tlp ! red\nhold tlp { clear red }\n",
        "hold size > 1kB\nhold size 1kB\n",
        "hold score < 50\nhold score none\n",
        "hold score <= 100\nhold\n",
        "hold language zh\nhold language zha\n",
        "hold language *\nhold\n",
        "hold from " ISAC "\nhold from isac.example.net\n",
        "hold from ! isac.example.net\nhold from { cert.example.org isac.example.net/bbbb }\n",
        "hold sector ! energy\nhold sector water\n",
        "refuse share to * reason \"x\"\nshare\n",
        "hold kind a/b\nhold kind ! a/b\n",
        "hold trust 1 kind a/b\nhold trust 2 kind a/b\n",
    };
    for (size_t i = 0; i < sizeof(dead) / sizeof(dead[0]); i++)
        if (!strstr(warnings(dead[i], &out), "has decided already"))
            fail_msg("no warning: %s", dead[i]);
    for (size_t i = 0; i < sizeof(alive) / sizeof(alive[0]); i++)
        if (strstr(warnings(alive[i], &out), "never matches"))
            fail_msg("%s%s", alive[i], buf_cstr(&out));
    buf_done(&out);
}

static void test_other_warnings(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 65536);
    assert_string_equal(warnings("set s = { " CERT " gone.example }\nhold from @s\n", &out),
                        "1: nobody known here is gone.example\n");
    assert_string_equal(warnings("set s = { x }\n", &out), "1: set s is used nowhere\n");
    assert_string_equal(warnings("hold size > 5 size < 3\n", &out),
                        "1: never matches: its conditions on size exclude each other\n");
    assert_string_equal(warnings("hold tlp > red\n", &out),
                        "1: never matches: its conditions on tlp exclude each other\n");
    assert_string_equal(
        warnings("hold kind connect/profile\n", &out),
        "1: never matches: records of this kind stand in their log in full, and no rule acts upon them\n");
    assert_string_equal(warnings("include treaties\n", &out), "1: there are no treaties here: nothing is included\n");
    assert_string_equal(warnings("hold group " CERT "#x\n", &out), "1: this node knows no groups: nobody is in one\n");
    assert_non_null(strstr(warnings("accept from isac.example.net\n", &out), "only a name"));
    assert_non_null(strstr(warnings("hold from ! isac.example.net/bbbb\n", &out), "a beginning that others"));
    assert_non_null(strstr(warnings("trust isac.example.net = 1\n", &out), "only a name"));
    assert_string_equal(warnings("accept from " ISAC "\nhold from isac.example.net\naccept from @self\n", &out), "");
    buf_done(&out);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_match_decides),
        cmocka_unit_test(test_what_holds_without_a_rule),
        cmocka_unit_test(test_who_looks),
        cmocka_unit_test(test_mirror),
        cmocka_unit_test(test_before_fetching),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_treaties_are_placed),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_errors_go_on),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_explain),
        cmocka_unit_test(test_shadowed),
        cmocka_unit_test(test_other_warnings),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Options, numbers, durations and columns of the command line; and the table of commands itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "cli/command.h"

static int run_nothing(struct invocation *inv)
{
    (void)inv;
    return EXIT_DONE;
}

static const struct option options[] = {
    {"tlp", "T", "for whom", AT_MOST_ONCE},  {"ref", "R", "refers to", ANY_NUMBER},
    {"json", NULL, "as JSON", AT_MOST_ONCE}, {"o", "FILE", "write here", AT_MOST_ONCE},
    {"kind", "K", "what it is", ONCE},       {0},
};

static const struct command command = {
    .name = "try it",
    .arguments = "FILE|-...",
    .summary = "Try the parser",
    .options = options,
    .min_args = 1,
    .max_args = 2,
    .run = run_nothing,
};

/* Standard output or error while a call runs. */
struct capture {
    FILE *kept, **stream, *memory;
    char *text;
    size_t len;
};

static void capture_begin(struct capture *capture, FILE **stream)
{
    *capture = (struct capture){.kept = *stream, .stream = stream};
    capture->memory = open_memstream(&capture->text, &capture->len);
    assert_non_null(capture->memory);
    *stream = capture->memory;
}

static const char *capture_end(struct capture *capture)
{
    *capture->stream = capture->kept;
    fclose(capture->memory);
    return capture->text;
}

struct parsed {
    struct invocation inv;
    const char *args[16];
    struct given given[16];
    char said[1024], words[16][64]; /* values and arguments point into the words */
};

#define PARSE(parsed, ...) parse(parsed, (const char *[]){__VA_ARGS__, NULL})

static int parse(struct parsed *parsed, const char **words)
{
    struct capture capture;
    char *argv[16];
    int argc = 0;
    for (; words[argc]; argc++) {
        assert_true(argc < 16);
        snprintf(parsed->words[argc], sizeof(parsed->words[argc]), "%s", words[argc]);
        argv[argc] = parsed->words[argc];
    }
    parsed->inv = (struct invocation){.command = &command};
    parsed->inv.args = parsed->args;
    parsed->inv.given = parsed->given;
    capture_begin(&capture, &stderr);
    int rc = cli_parse(&parsed->inv, argc, argv);
    snprintf(parsed->said, sizeof(parsed->said), "%s", capture_end(&capture));
    free(capture.text);
    return rc;
}

static void test_good_words(void **state)
{
    struct parsed p;
    (void)state;
    assert_int_equal(PARSE(&p, "--tlp", "clear", "a"), 0);
    assert_string_equal(cli_option(&p.inv, "tlp", "?"), "clear");
    assert_string_equal(cli_option(&p.inv, "o", "?"), "?");
    assert_false(cli_flag(&p.inv, "json"));
    assert_int_equal(p.inv.arg_count, 1);
    assert_int_equal(PARSE(&p, "a", "--tlp=red", "--json", "b"), 0);
    assert_string_equal(cli_option(&p.inv, "tlp", "?"), "red");
    assert_true(cli_flag(&p.inv, "json"));
    assert_string_equal(p.inv.args[0], "a");
    assert_string_equal(p.inv.args[1], "b");
    assert_int_equal(PARSE(&p, "--ref", "1", "--ref=2", "-o", "file", "-"), 0);
    assert_int_equal(p.inv.given_count, 3);
    assert_string_equal(cli_option(&p.inv, "ref", "?"), "1");
    assert_string_equal(p.inv.given[1].value, "2");
    assert_string_equal(cli_option(&p.inv, "o", "?"), "file");
    assert_string_equal(p.inv.args[0], "-"); /* alone it is an argument: standard input */
    assert_int_equal(PARSE(&p, "--tlp=", "a"), 0);
    assert_string_equal(cli_option(&p.inv, "tlp", "?"), "");
    assert_int_equal(PARSE(&p, "--tlp", "--json", "a"), 0); /* a value may look like an option */
    assert_string_equal(cli_option(&p.inv, "tlp", "?"), "--json");
    assert_int_equal(PARSE(&p, "--", "--tlp", "--help"), 0); /* behind it everything is an argument */
    assert_int_equal(p.inv.arg_count, 2);
    assert_string_equal(p.inv.args[1], "--help");
}

static void wrong(int rc, const struct parsed *p, const char *said)
{
    assert_int_equal(rc, EXIT_USAGE);
    if (!strstr(p->said, said) || !strstr(p->said, "tongzhou try it: ") || !strstr(p->said, "try it --help"))
        fail_msg("said \"%s\", expected \"%s\"", p->said, said);
}

static void test_bad_words(void **state)
{
    struct parsed p;
    int rc;
    (void)state;
    rc = PARSE(&p, "--frob", "a");
    wrong(rc, &p, "unknown option --frob");
    rc = PARSE(&p, "-x", "a");
    wrong(rc, &p, "unknown option -x");
    rc = PARSE(&p, "--o", "file", "a");
    wrong(rc, &p, "unknown option --o");
    rc = PARSE(&p, "-json", "a");
    wrong(rc, &p, "unknown option -json");
    rc = PARSE(&p, "--=x", "a");
    wrong(rc, &p, "unknown option --=x");
    rc = PARSE(&p, "a", "--tlp");
    wrong(rc, &p, "--tlp needs a value: --tlp T");
    rc = PARSE(&p, "--json=yes", "a");
    wrong(rc, &p, "--json takes no value");
    rc = PARSE(&p, "--tlp", "red", "--tlp=clear", "a");
    wrong(rc, &p, "was given twice");
    rc = PARSE(&p, "--json");
    wrong(rc, &p, "missing FILE|-...");
    rc = PARSE(&p, "a", "b", "c");
    wrong(rc, &p, "one argument too many: c");
}

static void test_help(void **state)
{
    struct parsed p;
    struct capture capture;
    (void)state;
    capture_begin(&capture, &stdout);
    int rc = PARSE(&p, "--json", "--help", "--frob");
    const char *text = capture_end(&capture);
    assert_int_equal(rc, -1);
    assert_non_null(strstr(
        text, "tongzhou try it [--tlp T] [--ref R]... [--json] [-o FILE] --kind K FILE|-...\n\nTry the parser.\n"));
    assert_non_null(strstr(text, "\n  --ref R                 refers to\n"));
    assert_non_null(strstr(text, "\n  -o FILE                 write here\n"));
    free(capture.text);
}

/* No line of any command's help is wider than a terminal's usual hundred columns. */
static void test_commands(void **state)
{
    (void)state;
    for (size_t i = 0; commands[i]; i++) {
        const struct command *c = commands[i];
        struct capture capture;
        assert_non_null(c->run);
        assert_non_null(c->arguments);
        assert_true(c->summary && c->summary[0] >= 'A' && c->summary[0] <= 'Z');
        assert_true(c->summary[strlen(c->summary) - 1] != '.'); /* the help puts it there */
        assert_true(!c->details || c->details[strlen(c->details) - 1] == '\n');
        assert_true(c->max_args < 0 || c->max_args >= c->min_args);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(c->name, commands[j]->name);
        for (const struct option *o = c->options; o && o->name; o++) {
            assert_true(o->what && o->what[0]);
            for (const struct option *before = c->options; before != o; before++)
                assert_string_not_equal(o->name, before->name);
        }
        capture_begin(&capture, &stdout);
        cli_help(c, stdout);
        const char *text = capture_end(&capture);
        for (const char *line = text; *line;) {
            size_t len = strcspn(line, "\n");
            if (len > 125)
                fail_msg("%s --help has a line of %zu characters: %.*s", c->name, len, (int)len, line);
            line += len + (line[len] == '\n');
        }
        free(capture.text);
    }
}

/* ---- values ---- */

static bool quiet_number(const char *text, uint64_t max, uint64_t *ret)
{
    struct parsed p;
    struct capture capture;
    static char word[64];
    snprintf(word, sizeof(word), "--tlp=%s", text);
    assert_int_equal(PARSE(&p, word, "a"), 0);
    capture_begin(&capture, &stderr);
    bool is = cli_number(&p.inv, "tlp", 7, max, ret);
    capture_end(&capture);
    free(capture.text);
    return is;
}

static void test_numbers(void **state)
{
    struct parsed p;
    uint64_t number = 0;
    (void)state;
    assert_true(quiet_number("0", 10, &number));
    assert_int_equal(number, 0);
    assert_true(quiet_number("10", 10, &number));
    assert_int_equal(number, 10);
    assert_true(quiet_number("18446744073709551615", UINT64_MAX, &number));
    assert_true(number == UINT64_MAX);
    static const char *const bad[] = {"11", "-1", "+1", "1.5", "", "x", "1x", " 1", "01", "99999999999999999999"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (quiet_number(bad[i], 10, &number))
            fail_msg("\"%s\" was taken for a number", bad[i]);
    assert_int_equal(PARSE(&p, "a"), 0);
    assert_true(cli_number(&p.inv, "tlp", 7, 5, &number)); /* not given: the fallback, whatever the maximum */
    assert_int_equal(number, 7);
}

static bool quiet_duration(const char *text, int64_t *ret)
{
    struct invocation inv = {.command = &command};
    struct capture capture;
    capture_begin(&capture, &stderr);
    bool is = cli_duration_s(&inv, text, ret);
    capture_end(&capture);
    free(capture.text);
    return is;
}

static bool quiet_time(const char *text, int64_t *ret)
{
    struct invocation inv = {.command = &command};
    struct capture capture;
    capture_begin(&capture, &stderr);
    bool is = cli_time_ms(&inv, text, ret);
    capture_end(&capture);
    free(capture.text);
    return is;
}

static void test_durations(void **state)
{
    static const struct {
        const char *text;
        int64_t seconds;
    } good[] = {
        {"1s", 1}, {"90s", 90}, {"15m", 900}, {"1h", 3600}, {"2d", 172800}, {"1w", 604800}, {"100000w", 60480000000}};
    static const char *const bad[] = {"", "s", "1", "0s", "-1s", "1.5h", "1y", "1 h", "100001s", "1hh", "h1"};
    int64_t seconds = 0;
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        assert_true(quiet_duration(good[i].text, &seconds));
        assert_int_equal(seconds, good[i].seconds);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (quiet_duration(bad[i], &seconds))
            fail_msg("\"%s\" was taken for a duration", bad[i]);
}

static void test_times(void **state)
{
    int64_t ms = 0;
    (void)state;
    assert_true(quiet_time("2026-11-22", &ms));
    assert_true(ms == INT64_C(1795305600000));
    assert_true(quiet_time("2026-11-22T11:14:26Z", &ms));
    assert_true(ms == INT64_C(1795346066000));
    int64_t now = cli_now_ms();
    assert_true(quiet_time("2d", &ms));
    assert_true(ms >= now - 172800000 && ms <= cli_now_ms() - 172800000);
    assert_false(quiet_time("yesterday", &ms));
    assert_false(quiet_time("2026-13-01", &ms));
    assert_false(quiet_time("", &ms));
}

/* ---- output ---- */

static const char *printed(void (*print)(FILE *out, uint64_t number), uint64_t number)
{
    static char text[256];
    char *memory = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&memory, &len);
    print(out, number);
    fclose(out);
    snprintf(text, sizeof(text), "%s", memory);
    free(memory);
    return text;
}

static void test_amounts(void **state)
{
    (void)state;
    assert_string_equal(printed(cli_put_count, 0), "0");
    assert_string_equal(printed(cli_put_count, 999), "999");
    assert_string_equal(printed(cli_put_count, 1000), "1,000");
    assert_string_equal(printed(cli_put_count, 1234567), "1,234,567");
    assert_string_equal(printed(cli_put_count, UINT64_MAX), "18,446,744,073,709,551,615");
    assert_string_equal(printed(cli_put_bytes, 0), "0 bytes");
    assert_string_equal(printed(cli_put_bytes, 999), "999 bytes");
    assert_string_equal(printed(cli_put_bytes, 1000), "1.0 kB");
    assert_string_equal(printed(cli_put_bytes, 99940), "99.9 kB");
    assert_string_equal(printed(cli_put_bytes, 99960), "100 kB");
    assert_string_equal(printed(cli_put_bytes, 999499), "999 kB");
    assert_string_equal(printed(cli_put_bytes, 999500), "1.0 MB");
    assert_string_equal(printed(cli_put_bytes, UINT64_C(20) << 30), "21.5 GB");
    assert_string_equal(printed(cli_put_bytes, UINT64_MAX), "18447 PB");
}

static void test_text(void **state)
{
    char *memory = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&memory, &len);
    (void)state;
    cli_put_column(out, SPAN_LIT("ab"), 4);
    fputc('|', out);
    cli_put_column(out, SPAN_LIT("\xe5\x90\x8c\xe8\x88\x9f"), 4); /* two characters, six bytes */
    fputc('|', out);
    cli_put_column(out, SPAN_LIT("longer"), 4);
    fputc('|', out);
    cli_put_text(out, SPAN_LIT("a\x1b[31mb\n"), 100);
    fputc('|', out);
    cli_put_counted(out, 1, "thing", "things");
    cli_put_counted(out, 2, "thing", "things");
    fclose(out);
    assert_true(strncmp(memory, "ab  |\xe5\x90\x8c\xe8\x88\x9f  |longer|", 5 + 9 + 7) == 0);
    assert_null(strchr(memory, 0x1b)); /* nothing moves a cursor */
    assert_null(strchr(memory, '\n'));
    assert_non_null(strstr(memory, "|1 thing2 things"));
    free(memory);
}

/* Two commands with one first word have a line of their own in the overview, and no line is about fewer. */
static void test_families(void **state)
{
    (void)state;
    for (size_t i = 0; commands[i]; i++) {
        const char *name = commands[i]->name;
        size_t len = strcspn(name, " "), count = 0;
        for (size_t j = 0; commands[j]; j++)
            count += strcspn(commands[j]->name, " ") == len && strncmp(commands[j]->name, name, len) == 0;
        if ((count > 1) != (cli_family_summary(name, len) != NULL))
            fail_msg("%.*s: %zu commands", (int)len, name, count);
    }
    for (size_t i = 0; families[i].word; i++)
        assert_true(cli_family(families[i].word, NULL, NULL));
    assert_false(cli_family("init", NULL, NULL));
    assert_false(cli_family("pee", NULL, NULL));
    struct capture capture;
    capture_begin(&capture, &stdout);
    cli_overview(stdout);
    capture_end(&capture);
    assert_non_null(strstr(capture.text, "\n  init           Make a node"));
    assert_non_null(
        strstr(capture.text, "\n  peer           Other nodes that we talk to:\n                 add, list, remove\n"));
    for (char *line = capture.text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1)
        assert_true(end - line <= 125);
    free(capture.text);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    setenv("TZ", "UTC", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_words), cmocka_unit_test(test_bad_words), cmocka_unit_test(test_help),
        cmocka_unit_test(test_commands),   cmocka_unit_test(test_numbers),   cmocka_unit_test(test_durations),
        cmocka_unit_test(test_times),      cmocka_unit_test(test_amounts),   cmocka_unit_test(test_text),
        cmocka_unit_test(test_families),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * How fast policies decide: 1,000 rules, records of many kinds, members of many sorts.
 *
 *   bench_policy [RULES]
 *
 * Two files are made. "usual": what an organisation may write, sets of members, a few conditions a rule. "worst": each rule has
 * every condition with values of its own, so that no row of bits is shared and nearly no rule matches. A decision is
 * counted whole: what is known of the record looked up, and asked of member after member, whose rows stay; what a
 * member costs once stands beside it. One JSON object on standard output.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "policy/policy.h"

#define MEMBERS 512
#define RECORDS 4096
#define ROUNDS 64

static uint64_t seed = 1;

static size_t draw(size_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (size_t)(seed >> 33) % below;
}

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static const char *const kinds[] = {"security/stix", "security/note", "culture/essay", "culture/translation",
                                    "economy/offer"};
static const char *const languages[] = {"zh-Hans", "en", "en-GB", "ar", "pt-BR", ""};
static const char *const classes[] = {"state", "private", "civil", "intergovernmental"};
static const char *const countries[] = {"DE", "FR", "CN", "BR", "KE", "IN"};

static void write_origin(struct buf *out, size_t i)
{
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
    char hash[53];
    uint64_t value = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
    for (size_t k = 0; k < 52; k++) {
        hash[k] = digits[value & 31];
        value = (value >> 5 | value << 59) * 3 + k;
    }
    hash[51] = 'a'; /* 256 bits end here */
    hash[52] = '\0';
    buf_fmt(out, "member%zu.example/%s", i, hash);
}

static void usual(struct buf *out, size_t rules)
{
    for (size_t i = 0; i < 16; i++) {
        buf_fmt(out, "set partners%c = {", (int)('a' + i));
        for (size_t k = 0; k < 64; k++) {
            buf_byte(out, ' ');
            write_origin(out, draw(2 * MEMBERS));
        }
        buf_fmt(out, " }\ntrust @partners%c = %zu\n", (int)('a' + i), draw(5));
    }
    for (size_t i = 0; i < rules; i++) {
        buf_str(out, i % 3 == 0 ? "share" : "refuse share");
        if (i % 2 == 0)
            buf_fmt(out, " kind %s", kinds[draw(5)]);
        if (i % 5 == 0)
            buf_fmt(out, " tlp <= %s", draw(2) ? "green" : "amber");
        if (i % 3 == 1)
            buf_fmt(out, " from @partners%c", (int)('a' + draw(16)));
        if (i % 4 == 1)
            buf_fmt(out, " to-class %s to-jurisdiction %s", classes[draw(4)], countries[draw(6)]);
        if (i % 7 == 0)
            buf_fmt(out, " language %s", languages[draw(5)]);
        buf_fmt(out, " score > %zu size > %zukB", 60 + draw(40), 1 + draw(2000));
        buf_str(out, i % 3 == 0 ? "\n" : " reason \"ours\"\n");
    }
}

static void worst(struct buf *out, size_t rules)
{
    for (size_t i = 0; i < rules; i++) {
        buf_fmt(out,
                "refuse share kind { x/kind%zu culture/* security/* economy/* } tlp ! red language { x-%zu zh en ar pt "
                "none } "
                "score { %zu-%zu none } size %zu-9000000 age >= %zus",
                i, i, i % 50, 51 + i % 49, i, i);
        buf_str(out, " from ! { ");
        write_origin(out, 100000 + i);
        buf_str(out, " } class ! unknown jurisdiction ! XX sector ! none trust <= 4 to { ");
        write_origin(out, 200000 + i);
        buf_str(out, " } to-class ! unknown to-jurisdiction ! YY to-trust <= 4 reason \"never\"\n");
    }
}

struct members {
    struct policy_member facts[MEMBERS];
    struct policy_bits author[MEMBERS], viewer[MEMBERS];
    char origin[MEMBERS][ORIGIN_MAX + 1];
    struct member_list sectors[4];
};

static void make_members(struct members *m)
{
    struct buf out;
    buf_init(&out, ORIGIN_MAX + 1);
    for (size_t i = 0; i < 4; i++)
        m->sectors[i] = (struct member_list){1, {"energy"}};
    for (size_t i = 0; i < MEMBERS; i++) {
        buf_clear(&out);
        write_origin(&out, i);
        snprintf(m->origin[i], sizeof(m->origin[i]), "%s", buf_cstr(&out));
        m->facts[i] = (struct policy_member){.origin = span_str(m->origin[i]),
                                             .class = (enum member_class)draw(4),
                                             .jurisdiction = span_str(countries[draw(6)]),
                                             .sectors = &m->sectors[i % 4]};
    }
    buf_done(&out);
}

static struct policy_content make_content(void)
{
    return (struct policy_content){.kind = span_str(kinds[draw(5)]),
                                   .language = span_str(languages[draw(6)]),
                                   .tlp = TLP_CLEAR + (enum tlp)draw(3),
                                   .score = draw(4) ? draw(101) : POLICY_NONE,
                                   .size = draw(2000000),
                                   .age_s = draw(4000000)};
}

struct figures {
    double parse_ms, member_ns, record_ns, pair_ns, alone_ns;
    uint64_t decided, refused;
};

static void measure(const struct policy *policy, struct members *m, struct figures *ret)
{
    struct policy_known known;
    struct policy_verdict verdict;
    static struct policy_content contents[RECORDS];
    double begun = now_ns();
    for (size_t i = 0; i < MEMBERS; i++) {
        policy_author(policy, &m->facts[i], &m->author[i]);
        policy_viewer(policy, &m->facts[i], &m->viewer[i]);
    }
    ret->member_ns = (now_ns() - begun) / (2 * MEMBERS);
    for (size_t i = 0; i < RECORDS; i++)
        contents[i] = make_content();
    begun = now_ns();
    for (size_t i = 0; i < RECORDS; i++)
        for (size_t k = 0; k < ROUNDS; k++)
            policy_known(policy, &contents[i], &known);
    ret->record_ns = (now_ns() - begun) / (RECORDS * ROUNDS);
    /* One record, one member: everything about the record looked up for each. */
    begun = now_ns();
    for (size_t i = 0; i < RECORDS * ROUNDS; i++) {
        policy_known(policy, &contents[i % RECORDS], &known);
        policy_decide(policy, POLICY_SHARE, &m->author[i % MEMBERS], &m->viewer[i / 7 % MEMBERS], &known, NULL,
                      &verdict);
        ret->refused += verdict.act == POLICY_REFUSE;
    }
    ret->alone_ns = (now_ns() - begun) / (RECORDS * ROUNDS);
    /* One record, all members. */
    begun = now_ns();
    for (size_t i = 0; i < RECORDS; i++) {
        policy_known(policy, &contents[i], &known);
        for (size_t k = 0; k < MEMBERS; k++) {
            policy_decide(policy, POLICY_SHARE, &m->author[i % MEMBERS], &m->viewer[k], &known, NULL, &verdict);
            ret->decided += verdict.line > 0;
        }
    }
    ret->pair_ns = (now_ns() - begun) / ((double)RECORDS * MEMBERS);
}

static void run(const char *name, void (*write)(struct buf *out, size_t rules), size_t rules)
{
    static struct members members;
    static struct policy_errors errors;
    struct figures figures = {0};
    struct policy *policy = NULL;
    struct err err = {0};
    struct buf text;
    buf_init(&text, POLICY_TEXT_MAX + 1);
    make_members(&members);
    write(&text, rules);
    double begun = now_ns();
    if (policy_parse(buf_view(&text), &policy, &errors, &err) < 0) {
        fprintf(stderr, "bench_policy: %s: %s\n", name, err.text);
        exit(2);
    }
    figures.parse_ms = (now_ns() - begun) / 1e6;
    measure(policy, &members, &figures);
    printf(
        "\"%s\":{\"rules\":%zu,\"bytes\":%zu,\"parse_ms\":%.1f,\"member_ns\":%.0f,\"record_ns\":%.0f,\"alone_ns\":%.0f,"
        "\"pair_ns\":%.0f,\"by_a_rule\":%.3f,\"refused\":%.3f}",
        name, policy_rule_count(policy), text.len, figures.parse_ms, figures.member_ns, figures.record_ns,
        figures.alone_ns, figures.pair_ns, (double)figures.decided / (RECORDS * (double)MEMBERS),
        (double)figures.refused / (RECORDS * (double)ROUNDS));
    policy_free(policy);
    buf_done(&text);
}

int main(int argc, char **argv)
{
    size_t rules = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : 1000;
    putchar('{');
    run("usual", usual, rules);
    putchar(',');
    run("worst", worst, rules);
    puts("}");
    return 0;
}

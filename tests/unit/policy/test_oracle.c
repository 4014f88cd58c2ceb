/*
 * Random policies and facts: the compiled rules decide as a slow and obvious reader of the same rules does, which knows no
 * rows, bits, segments or lookups: it goes through the rules and through each condition's items.
 */
#include "sample.h"

#include <strings.h>

#ifndef ROUNDS
#define ROUNDS 4000 /* policies, 40 decisions each: about two seconds */
#endif
#define DECISIONS 40
#define RULES 12
#define ITEMS 3

enum dim { KIND, TLP, LANGUAGE, SCORE, SIZE, AGE, FROM, CLASS, JURISDICTION, SECTOR, GROUP, TRUST, DIMS };

static const char *const names[DIMS] = {"kind", "tlp",   "language",     "score",  "size",  "age",
                                        "from", "class", "jurisdiction", "sector", "group", "trust"};

#define NAME_A "cert.example.org/" HASH_A
#define NAME_B "isac.example.net/" HASH_B
#define NAME_C "isac.example.net/" HASH_C

static const char *const items[DIMS][8] = {
    [KIND] = {"security/stix", "security/note", "security/*", "culture/*", "culture/essay", "*"},
    [TLP] = {"none", "clear", "green", "amber", "amber+strict", "red"},
    [LANGUAGE] = {"zh", "zh-Hans", "EN", "en-gb", "none", "*", "e"},
    [SCORE] = {"none", "0", "30", "31-60", "100"},
    [SIZE] = {"0", "500", "1kB-2kB", "1MB"},
    [AGE] = {"none", "0s", "60s", "1h-1d", "1w"},
    [FROM] = {NAME_A, "isac.example.net", "isac.example.net/bbbb…", "isac.example.net/bbbbc", "@self", "*", "x"},
    [CLASS] = {"state", "private", "civil", "unknown"},
    [JURISDICTION] = {"DE", "fr", "none", "*", "\"a b\""},
    [SECTOR] = {"energy", "Water", "none", "*"},
    [GROUP] = {NAME_A "#one", NAME_A "#two", NAME_B "#one"},
    [TRUST] = {"0", "1", "2", "3", "4"},
};

/* One side: the author, or the viewer. */
struct who {
    const char *origin;
    bool is_self;
    const char *class, *jurisdiction, *sectors[2], *groups[2];
};

static const struct who people[] = {
    {NAME_A, true, "state", "DE", {"energy", NULL}, {NAME_A "#one", NULL}},
    {NAME_B, false, "private", "FR", {"water", "ENERGY"}, {NAME_A "#one", NAME_A "#two"}},
    {NAME_C, false, "civil", "", {NULL, NULL}, {NULL, NULL}},
    {"x/" HASH_A, false, "unknown", "A B", {"other", NULL}, {NAME_B "#one", NULL}},
};
#define PEOPLE (sizeof(people) / sizeof(people[0]))

struct what {
    const char *kind, *tlp, *language;
    uint64_t score, size, age;
};

struct test {
    bool given, negated;
    char op[3]; /* "" or a comparison with item[0] */
    size_t count;
    size_t item[ITEMS];
};

struct rule {
    enum policy_question question;
    enum policy_act act;
    bool is_limit;
    unsigned line;
    uint64_t limit;
    struct test when[DIMS], to[DIMS]; /* `to` from FROM on */
};

static uint64_t seed;

static size_t draw(size_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (size_t)(seed >> 33) % below;
}

static size_t item_count(enum dim d)
{
    size_t count = 0;
    while (count < 8 && items[d][count])
        count++;
    return count;
}

/* ---- the reference ---- */

static bool language_fits(const char *range, const char *tag)
{
    size_t len = strlen(range);
    if (!*tag)
        return strcmp(range, "none") == 0;
    if (strcmp(range, "*") == 0)
        return true;
    return strncasecmp(range, tag, len) == 0 && (tag[len] == '\0' || tag[len] == '-');
}

static bool word_fits(const char *item, const char *word)
{
    char bare[64];
    snprintf(bare, sizeof(bare), "%.*s", (int)strcspn(item + (item[0] == '"'), "\""), item + (item[0] == '"'));
    return strcmp(item, "*") == 0 || strcasecmp(bare, word) == 0;
}

static bool member_fits(const char *item, const struct who *who)
{
    if (strcmp(item, "@self") == 0)
        return who->is_self;
    if (strcmp(item, "*") == 0)
        return true;
    size_t len = strcspn(item, "\xe2");
    if (memchr(item, '/', len))
        return strncmp(who->origin, item, len) == 0;
    return strncmp(who->origin, item, len) == 0 && who->origin[len] == '/';
}

static uint64_t number(const char *text, char **end)
{
    uint64_t value = strtoull(text, end, 10);
    static const struct {
        const char *unit;
        uint64_t factor;
    } units[] = {{"kB", 1000}, {"MB", 1000000}, {"s", 1}, {"h", 3600}, {"d", 86400}, {"w", 604800}};
    for (size_t i = 0; i < 6; i++)
        if (strncmp(*end, units[i].unit, strlen(units[i].unit)) == 0) {
            *end += strlen(units[i].unit);
            return value * units[i].factor;
        }
    return value;
}

static bool number_fits(const char *item, uint64_t value)
{
    char *end;
    if (strcmp(item, "none") == 0)
        return value == POLICY_NONE;
    uint64_t low = number(item, &end), high = *end == '-' ? number(end + 1, &end) : low;
    return value >= low && value <= high;
}

static unsigned trust_of(const size_t trusts[][2], size_t count, const struct who *who)
{
    for (size_t i = 0; i < count; i++)
        if (member_fits(items[FROM][trusts[i][0]], who))
            return (unsigned)trusts[i][1];
    return who->is_self ? 4 : 0;
}

static bool item_fits(enum dim d, const char *item, const struct who *who, unsigned trust, const struct what *what)
{
    char level[8];
    snprintf(level, sizeof(level), "%u", trust);
    switch (d) {
    case KIND:
        return strcmp(item, "*") == 0 || strcmp(item, what->kind) == 0 ||
               (item[strlen(item) - 1] == '*' && strncmp(item, what->kind, strlen(item) - 1) == 0);
    case TLP:
        return strcmp(item, what->tlp) == 0;
    case LANGUAGE:
        return language_fits(item, what->language);
    case SCORE:
        return number_fits(item, what->score);
    case SIZE:
        return number_fits(item, what->size);
    case AGE:
        return number_fits(item, what->age);
    case FROM:
        return member_fits(item, who);
    case CLASS:
        return strcmp(item, who->class) == 0;
    case JURISDICTION:
        return *who->jurisdiction ? word_fits(item, who->jurisdiction) : strcmp(item, "none") == 0;
    case SECTOR:
        if (!who->sectors[0])
            return strcmp(item, "none") == 0;
        return word_fits(item, who->sectors[0]) || (who->sectors[1] && word_fits(item, who->sectors[1]));
    case GROUP:
        return (who->groups[0] && strcmp(item, who->groups[0]) == 0) ||
               (who->groups[1] && strcmp(item, who->groups[1]) == 0);
    default:
        return strcmp(item, level) == 0;
    }
}

/* Where a value stands among those of its kind; -1: not stated. */
static double rank(enum dim d, unsigned trust, const struct what *what)
{
    if (d == TRUST)
        return trust;
    if (d == TLP) {
        size_t at = 0;
        while (strcmp(items[TLP][at], what->tlp) != 0)
            at++;
        return at == 0 ? -1 : (double)at;
    }
    uint64_t value = d == SCORE ? what->score : d == SIZE ? what->size : what->age;
    return value == POLICY_NONE ? -1 : (double)value;
}

static double item_rank(enum dim d, size_t item)
{
    char *end;
    return d == TLP || d == TRUST ? (double)item : (double)number(items[d][item], &end);
}

static bool test_holds(enum dim d, const struct test *t, const struct who *who, unsigned trust, const struct what *what)
{
    if (!t->given)
        return true;
    if (t->op[0]) {
        double value = rank(d, trust, what), with = item_rank(d, t->item[0]);
        if (value < 0)
            return false;
        if (t->op[0] == '<')
            return t->op[1] ? value <= with : value < with;
        return t->op[1] ? value >= with : value > with;
    }
    bool any = false;
    for (size_t i = 0; i < t->count; i++)
        any |= who          ? item_fits(d, items[d][t->item[i]], who, trust, what)
               : d == CLASS ? strcmp(items[d][t->item[i]], "unknown") == 0
                            : d == TRUST && t->item[i] == 0; /* the public */
    return any != t->negated;
}

struct facts {
    const struct who *author, *viewer;
    struct what what;
    uint64_t brought;
    unsigned author_trust, viewer_trust;
};

/* The rule that decides, or -1. */
static int reference(const struct rule *rules, size_t count, enum policy_question question, const struct facts *f)
{
    for (size_t i = 0; i < count; i++) {
        bool holds = rules[i].question == question && !(rules[i].is_limit && f->brought < rules[i].limit);
        for (enum dim d = 0; d < DIMS && holds; d++)
            holds = test_holds(d, &rules[i].when[d], f->author, f->author_trust, &f->what) &&
                    test_holds(d, &rules[i].to[d], f->viewer, f->viewer_trust, &f->what);
        if (holds)
            return (int)i;
    }
    return -1;
}

/* ---- random rules, in both forms ---- */

static bool is_number(enum dim d)
{
    return d == SCORE || d == SIZE || d == AGE;
}

static bool can_compare(enum dim d)
{
    return d == TLP || d == TRUST || is_number(d);
}

static void random_test(enum dim d, struct test *t)
{
    *t = (struct test){.given = true};
    static const char *const ops[] = {"<", "<=", ">", ">="};
    if (can_compare(d) && draw(2) == 0) {
        do
            t->item[0] = draw(item_count(d));
        while (strcmp(items[d][t->item[0]], "none") == 0 || strchr(items[d][t->item[0]], '-'));
        snprintf(t->op, sizeof(t->op), "%s", ops[draw(4)]);
        return;
    }
    t->negated = draw(3) == 0;
    t->count = 1 + draw(ITEMS);
    for (size_t i = 0; i < t->count; i++)
        t->item[i] = draw(item_count(d));
}

static void write_test(struct buf *out, enum dim d, const struct test *t, const char *prefix)
{
    if (!t->given)
        return;
    if (d == FROM && *prefix)
        buf_str(out, " to");
    else
        buf_fmt(out, " %s%s", prefix, names[d]);
    if (t->op[0]) {
        buf_fmt(out, " %s %s", t->op, items[d][t->item[0]]);
        return;
    }
    buf_str(out, t->negated ? " ! {" : " {");
    for (size_t i = 0; i < t->count; i++)
        buf_fmt(out, "%s%s", i > 0 && draw(2) ? ", " : " ", items[d][t->item[i]]);
    buf_str(out, draw(8) ? " }" : "\n}");
}

static unsigned lines_in(struct span text)
{
    unsigned lines = 0;
    for (size_t i = 0; i < text.len; i++)
        lines += text.data[i] == '\n';
    return lines;
}

static void random_rule(struct rule *rule, struct buf *out)
{
    *rule = (struct rule){.question = POLICY_ACCEPT + (enum policy_question)draw(3)};
    rule->line = 1 + lines_in(buf_view(out));
    rule->act = draw(2) ? POLICY_YES : POLICY_REFUSE;
    rule->is_limit = rule->question == POLICY_ACCEPT && draw(4) == 0;
    rule->limit = draw(4);
    if (rule->is_limit) {
        rule->act = POLICY_HOLD;
        buf_fmt(out, "limit %llu/day", (unsigned long long)rule->limit);
    } else {
        buf_fmt(out, "%s%s", rule->act == POLICY_REFUSE ? "refuse " : "", policy_question_word(rule->question));
    }
    for (size_t i = draw(4); i > 0; i--) {
        enum dim d = (enum dim)draw(DIMS);
        random_test(d, &rule->when[d]);
    }
    for (size_t i = rule->question == POLICY_SHARE ? draw(3) : 0; i > 0; i--) {
        enum dim d = FROM + (enum dim)draw(DIMS - FROM);
        random_test(d, &rule->to[d]);
    }
    for (enum dim d = 0; d < DIMS; d++) {
        write_test(out, d, &rule->when[d], "");
        write_test(out, d, &rule->to[d], "to-");
    }
    buf_str(out, rule->act == POLICY_REFUSE ? " reason \"x\"\n" : "\n");
}

static bool group_of(void *ctx, struct span group)
{
    const struct who *who = ctx;
    return (who->groups[0] && span_is(group, who->groups[0])) || (who->groups[1] && span_is(group, who->groups[1]));
}

static struct policy_member member_of(const struct who *who, struct member_list *sectors)
{
    union {
        const void *in;
        void *out;
    } ctx = {.in = who};
    *sectors = (struct member_list){0};
    for (size_t i = 0; i < 2 && who->sectors[i]; i++)
        snprintf(sectors->item[sectors->count++], sizeof(sectors->item[0]), "%s", who->sectors[i]);
    return (struct policy_member){.origin = span_str(who->origin),
                                  .is_self = who->is_self,
                                  .class = member_class_parse(span_str(who->class)),
                                  .jurisdiction = span_str(who->jurisdiction),
                                  .sectors = sectors,
                                  .in_group = group_of,
                                  .ctx = ctx.out};
}

static struct what random_what(void)
{
    static const char *const kinds[] = {"security/stix", "security/note", "culture/essay", "governance/call"};
    static const char *const tags[] = {"", "zh", "zh-Hans-CN", "en", "en-GB", "zha"};
    static const uint64_t scores[] = {0, 29, 30, 31, 60, 61, 100, POLICY_NONE};
    static const uint64_t sizes[] = {0, 1, 500, 999, 1000, 2000, 2001, 1000000, 16777216};
    static const uint64_t ages[] = {0, 59, 60, 61, 3600, 86400, 604800, 604801, POLICY_NONE};
    return (struct what){kinds[draw(4)],  items[TLP][draw(6)], tags[draw(6)],
                         scores[draw(8)], sizes[draw(9)],      ages[draw(9)]};
}

static void compare(const struct policy *policy, const struct rule *rules, const struct facts *f)
{
    struct member_list sectors;
    struct policy_bits author, viewer;
    struct policy_known known, less;
    struct policy_verdict verdict, early;
    struct policy_member by = member_of(f->author, &sectors);
    policy_author(policy, &by, &author);
    if (f->viewer)
        by = member_of(f->viewer, &sectors);
    policy_viewer(policy, f->viewer ? &by : NULL, &viewer);
    struct policy_content content = {.kind = span_str(f->what.kind),
                                     .language = span_str(f->what.language),
                                     .tlp = tlp_parse(span_str(f->what.tlp)),
                                     .score = f->what.score,
                                     .size = f->what.size,
                                     .age_s = f->what.age};
    struct policy_counts counts = {.records_day = f->brought};
    policy_known(policy, &content, &known);
    for (enum policy_question q = POLICY_ACCEPT; q < POLICY_QUESTIONS; q++) {
        int wanted = reference(rules, RULES, q, f);
        policy_decide(policy, q, &author, &viewer, &known, &counts, &verdict);
        unsigned line = wanted < 0 ? 0 : rules[wanted].line;
        if (verdict.line != line)
            fail_msg("%.*s: line %u expected, line %u decided", SPAN_ARGS(policy_text(policy)), line, verdict.line);
        if (wanted >= 0)
            assert_int_equal(verdict.act, rules[wanted].act);
        /* What is decided before all is known stays so. */
        policy_known_tlp(policy, content.tlp, &less);
        policy_decide(policy, q, &author, &viewer, &less, &counts, &early);
        if (early.act != POLICY_OPEN) {
            assert_int_equal(early.line, verdict.line);
            assert_int_equal(early.act, verdict.act);
        }
    }
}

static void test_against_reference(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 1u << 20);
    for (seed = 1; seed <= ROUNDS; seed++) {
        uint64_t round = seed;
        struct rule rules[RULES];
        size_t trusts[4][2], trust_count = draw(4);
        buf_clear(&text);
        for (size_t i = 0; i < trust_count; i++) {
            trusts[i][0] = draw(item_count(FROM));
            trusts[i][1] = draw(5);
            buf_fmt(&text, "trust %s = %zu\n", items[FROM][trusts[i][0]], trusts[i][1]);
        }
        for (size_t i = 0; i < RULES; i++)
            random_rule(&rules[i], &text);
        struct policy *policy = sample_policy(buf_cstr(&text));
        assert_int_equal(policy_rule_count(policy), RULES);
        for (size_t i = 0; i < DECISIONS; i++) {
            struct facts f = {.author = &people[draw(PEOPLE)],
                              .viewer = draw(5) ? &people[draw(PEOPLE)] : NULL,
                              .what = random_what(),
                              .brought = draw(5)};
            f.author_trust = trust_of((const size_t(*)[2])trusts, trust_count, f.author);
            f.viewer_trust = f.viewer ? trust_of((const size_t(*)[2])trusts, trust_count, f.viewer) : 0;
            compare(policy, rules, &f);
        }
        policy_free(policy);
        seed = round;
    }
    buf_done(&text);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_reference)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "cli/command.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "base/when.h"

const char *cli_option(const struct invocation *inv, const char *name, const char *fallback)
{
    for (int i = 0; i < inv->given_count; i++)
        if (strcmp(inv->given[i].option->name, name) == 0)
            return inv->given[i].value;
    return fallback;
}

bool cli_flag(const struct invocation *inv, const char *name)
{
    return cli_option(inv, name, NULL) != NULL;
}

int cli_fail(const struct invocation *inv)
{
    fflush(stdout); /* what was said before stands before it */
    fprintf(stderr, "tongzhou %s: %s\n", inv->command->name, inv->err.text);
    return EXIT_FAILED;
}

int cli_usage(const struct invocation *inv, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fprintf(stderr, "tongzhou %s: ", inv->command->name);
    vfprintf(stderr, fmt, ap);
    fprintf(stderr, "\nTry `tongzhou %s --help`.\n", inv->command->name);
    va_end(ap);
    return EXIT_USAGE;
}

void cli_note(const char *fmt, ...)
{
    va_list ap;
    fflush(stdout);
    va_start(ap, fmt);
    fputs("tongzhou: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
}

bool cli_output_lost(void)
{
    bool failed = fflush(stdout) != 0 || ferror(stdout) != 0;
    struct pollfd reader = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return failed && errno != EPIPE && !(poll(&reader, 1, 0) > 0 && (reader.revents & POLLERR) != 0);
}

/* ---- parsing ---- */

static const struct option *find_option(const struct command *command, struct span name)
{
    for (const struct option *option = command->options; option && option->name; option++)
        if (span_is(name, option->name))
            return option;
    return NULL;
}

static int take_option(struct invocation *inv, int argc, char **argv, int *at)
{
    const char *word = argv[*at];
    const char *name = word + (word[1] == '-' ? 2 : 1);
    const char *equals = word[1] == '-' ? strchr(name, '=') : NULL;
    struct span key = span_of(name, equals ? (size_t)(equals - name) : strlen(name));
    const struct option *option = find_option(inv->command, key);
    if (!option || (word[1] == '-') != (option->name[1] != '\0'))
        return cli_usage(inv, "unknown option %s%s", word,
                         word[1] == 'C' ? ": the folder stands before the command, tongzhou -C DIR ..." : "");
    const char *value = "";
    if (option->value) {
        if (equals)
            value = equals + 1;
        else if (++*at < argc)
            value = argv[*at];
        else
            return cli_usage(inv, "%s needs a value: %s %s", word, word, option->value);
    } else if (equals) {
        return cli_usage(inv, "--%s takes no value", option->name);
    }
    if (option->often != ANY_NUMBER && cli_option(inv, option->name, NULL))
        return cli_usage(inv, "%s was given twice", word);
    inv->given[inv->given_count++] = (struct given){option, value};
    return 0;
}

int cli_parse(struct invocation *inv, int argc, char **argv)
{
    bool only_args = false;
    for (int i = 0; i < argc; i++) {
        const char *word = argv[i];
        if (!only_args && strcmp(word, "--") == 0) {
            only_args = true;
        } else if (!only_args && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)) {
            cli_help(inv->command, stdout);
            return -1;
        } else if (!only_args && word[0] == '-' && word[1] != '\0') {
            int rc = take_option(inv, argc, argv, &i);
            if (rc)
                return rc;
        } else {
            inv->args[inv->arg_count++] = word;
        }
    }
    const struct command *command = inv->command;
    if (inv->arg_count < command->min_args)
        return cli_usage(inv, "missing %s", command->arguments);
    if (command->max_args >= 0 && inv->arg_count > command->max_args)
        return cli_usage(inv, "one argument too many: %s", inv->args[command->max_args]);
    return 0;
}

#define HELP_WIDTH 100

/* One piece of the first line, on a new one if it does not fit. */
static void put_word(FILE *out, const char *word, size_t *at)
{
    if (*at + 1 + strlen(word) > HELP_WIDTH) {
        fputs("\n   ", out);
        *at = 3;
    }
    *at += 1 + strlen(word);
    fprintf(out, " %s", word);
}

void cli_help(const struct command *command, FILE *out)
{
    size_t at = (size_t)fprintf(out, "tongzhou %s", command->name);
    for (const struct option *option = command->options; option && option->name; option++) {
        char word[128];
        bool once = option->often == ONCE;
        snprintf(word, sizeof(word), "%s%s%s%s%s%s%s", once ? "" : "[", option->name[1] ? "--" : "-", option->name,
                 option->value ? " " : "", option->value ? option->value : "", once ? "" : "]",
                 option->often == ANY_NUMBER ? "..." : "");
        put_word(out, word, &at);
    }
    if (command->arguments[0])
        put_word(out, command->arguments, &at);
    fprintf(out, "\n\n%s.\n", command->summary);
    if (command->details)
        fprintf(out, "\n%s", command->details);
    if (command->options && command->options->name)
        fputs("\nOptions:\n", out);
    for (const struct option *option = command->options; option && option->name; option++) {
        int width = fprintf(out, "  %s%s%s%s", option->name[1] ? "--" : "-", option->name, option->value ? " " : "",
                            option->value ? option->value : "");
        fprintf(out, "%*s%s\n", width < 26 ? 26 - width : 2, "", option->what);
    }
}

/* ---- values ---- */

bool cli_number(const struct invocation *inv, const char *name, uint64_t fallback, uint64_t max, uint64_t *ret)
{
    const char *text = cli_option(inv, name, NULL);
    *ret = fallback;
    if (!text || span_u64(span_str(text), max, ret))
        return true;
    cli_usage(inv, "--%s %s: a whole number from 0 to %llu is needed", name, text, (unsigned long long)max);
    return false;
}

static bool parse_duration(const char *text, int64_t *ret_s)
{
    size_t len = strlen(text);
    uint64_t number;
    if (len < 2 || !span_u64(span_of(text, len - 1), 100000, &number) || number == 0)
        return false;
    const char *unit = strchr("smhdw", text[len - 1]);
    static const int64_t seconds[] = {1, 60, 3600, 86400, 604800};
    if (!unit || *unit == '\0')
        return false;
    *ret_s = (int64_t)number * seconds[unit - "smhdw"];
    return true;
}

bool cli_duration_s(const struct invocation *inv, const char *text, int64_t *ret_s)
{
    if (parse_duration(text, ret_s))
        return true;
    cli_usage(inv, "%s is no duration; write for example 30s, 15m, 1h, 2d or 1w", text);
    return false;
}

bool cli_time_ms(const struct invocation *inv, const char *text, int64_t *ret_ms)
{
    int64_t ago_s;
    if (when_parse_loose(span_str(text), ret_ms))
        return true;
    if (parse_duration(text, &ago_s)) {
        *ret_ms = cli_now_ms() - ago_s * 1000;
        return true;
    }
    cli_usage(inv, "%s is no time; write for example 2026-11-22, 2026-11-22T11:14:26Z or 2d for two days ago", text);
    return false;
}

int64_t cli_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- output ---- */

void cli_put_text(FILE *out, struct span text, size_t max)
{
    struct buf escaped;
    buf_init(&escaped, 16 * max + 64);
    text_escape(&escaped, text, max);
    if (escaped.len > 0)
        fwrite(escaped.data, 1, escaped.len, out);
    buf_done(&escaped);
}

void cli_put_bytes(FILE *out, uint64_t bytes)
{
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB", "PB"};
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 999.5 && unit + 1 < sizeof(units) / sizeof(*units)) {
        value /= 1000;
        unit++;
    }
    fprintf(out, unit == 0 || value >= 99.95 ? "%.0f %s" : "%.1f %s", value, units[unit]);
}

void cli_put_count(FILE *out, uint64_t count)
{
    char digits[32], grouped[48];
    int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)count);
    size_t at = 0;
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            grouped[at++] = ',';
        grouped[at++] = digits[i];
    }
    grouped[at] = '\0';
    fputs(grouped, out);
}

void cli_put_counted(FILE *out, uint64_t count, const char *one, const char *many)
{
    cli_put_count(out, count);
    fprintf(out, " %s", count == 1 ? one : many);
}

void cli_put_column(FILE *out, struct span text, size_t width)
{
    size_t characters = 0;
    for (size_t at = 0; at < text.len; characters++)
        (void)utf8_next(text, &at);
    cli_put_text(out, text, text.len);
    for (; characters < width; characters++)
        fputc(' ', out);
}

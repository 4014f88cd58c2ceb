/* fuzz: cli */
/* libfuzzer: -detect_leaks=0 */
/*
 * The command line. First byte: which command; then its words, a line each. Options are those that were declared, values
 * are in their bounds, and MEMBER/INDEX finds nothing but an entry that is there.
 */
#include <stdlib.h>

#include "cli/profile.h"
#include "cli/session.h"
#include "fuzz_folder.h"
#include "fuzz_made.h"
#include "state/mirror.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define WORDS_MAX 64
#define TEXT_MAX 4096

static FILE *nowhere;

/* A node that knows two members of similar names. */
static void start(struct invocation *inv, struct session *session)
{
    static struct made_log made;
    static const char *const names[] = {"cert.example.org", "cert.example.com"};
    struct store_options options = {.create = true};
    struct store *store;
    struct buf note;
    int64_t number;
    uint64_t count;
    buf_init(&note, NOTE_MAX);
    fuzz_folder_make();
    made_good(store_open(fuzz_folder, &options, &store, &err));
    made_good(store_begin(store, &err));
    for (int i = 0; i < 2; i++) {
        made_begin(&made, names[i], (uint8_t)(1 + i * MADE_SEEDS));
        made_filler(&made, (size_t)(20 * i), 10);
        struct log_new log = {.origin = span_str(made.origin), .role = LOG_MIRROR, .mode = MODE_FULL};
        buf_clear(&note);
        made_note(&made, made.count, &note);
        made_good(store_log_create(store, &log, &number, &err));
        made_good(mirror_stage(store, number, made_part(&made, 0, made.count), &count, &err));
        made_good(mirror_finish(store, number, buf_view(&note), &err));
    }
    made_good(store_commit(store, &err));
    store_close(store);
    made_done(&made);
    buf_done(&note);
    inv->dir = fuzz_folder;
    made_check(session_open(inv, session, SESSION_INDEX, OUTLET_CLI_LOG) == 0);
}

static void try_record(struct invocation *inv, const char *word)
{
    static struct session session;
    static const struct command none = {.name = "show", .options = NULL};
    struct invocation own = {.command = &none};
    struct log_info log;
    uint64_t index;
    if (!session.store)
        start(&own, &session);
    if (session_record(inv, &session, word, &log, &index) != 0)
        return;
    /* The member as it was typed, without "…" at its end: the origin, its beginning, or all of its name. */
    size_t len = (size_t)(strrchr(word, '/') - word);
    if (len > 3 && memcmp(word + len - 3, "\xe2\x80\xa6", 3) == 0)
        len -= 3;
    made_check(index < log.size && strncmp(log.origin, word, len) == 0);
    made_check(memchr(word, '/', len) || log.origin[len] == '/');
}

static void try_values(struct invocation *inv)
{
    uint64_t number;
    int64_t value;
    for (int i = 0; i < inv->given_count; i++) {
        const struct given *given = &inv->given[i];
        made_check(given->option && given->value && (given->option->value || given->value[0] == '\0'));
        if (cli_number(inv, given->option->name, 7, 1000, &number))
            made_check(number <= 1000);
        if (cli_duration_s(inv, given->value, &value))
            made_check(value > 0);
        (void)cli_time_ms(inv, given->value, &value);
        try_record(inv, given->value);
    }
    for (int i = 0; i < inv->arg_count; i++) {
        cli_put_text(nowhere, span_str(inv->args[i]), 80);
        cli_put_column(nowhere, span_str(inv->args[i]), 20);
        try_record(inv, inv->args[i]);
    }
}

/* A profile that the options make can be written, or is refused with a reason, and reads back. */
static void try_profile(struct invocation *inv)
{
    static struct profile profile, again;
    struct buf text;
    struct arena arena;
    struct record record;
    struct err why = {0};
    profile = (struct profile){0};
    if (profile_options(inv, &profile) != 0)
        return;
    made_public(1, profile.log_key);
    made_public(2, profile.cosigner_key);
    made_public(3, profile.request_key);
    made_public(4, profile.encryption_key);
    made_recovery_hash(5, profile.recovery_hash);
    buf_init(&text, INLINE_MAX);
    arena_init(&arena, 1u << 20);
    if (profile_write(&profile, MADE_TIME, &text, &why) == 0) {
        made_good(record_parse(buf_view(&text), &arena, &record, &err));
        made_good(profile_parse(&record, &again, &err));
        made_check(strcmp(again.name, profile.name) == 0 && strcmp(again.contact, profile.contact) == 0 &&
                   again.languages.count == profile.languages.count &&
                   again.endpoints.count == profile.endpoints.count);
    } else {
        made_check(why.text[0] != '\0');
    }
    arena_done(&arena);
    buf_done(&text);
}

static void try_command(const struct command *command, int argc, char **argv)
{
    struct invocation inv = {.command = command};
    inv.args = calloc((size_t)argc + 1, sizeof(*inv.args));
    inv.given = calloc((size_t)argc + 1, sizeof(*inv.given));
    made_check(inv.args && inv.given);
    if (cli_parse(&inv, argc, argv) == 0) {
        made_check(inv.arg_count + inv.given_count <= argc && inv.arg_count >= command->min_args);
        made_check(command->max_args < 0 || inv.arg_count <= command->max_args);
        try_values(&inv);
        try_profile(&inv);
    }
    free(inv.args);
    free(inv.given);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct draw draw = {span_sub(span_of(data, size), 0, TEXT_MAX)};
    char text[TEXT_MAX + 1], *argv[WORDS_MAX];
    size_t count = 0;
    int argc = 0;
    while (commands[count])
        count++;
    const struct command *command = commands[draw_below(&draw, count)];
    if (draw.rest.len > 0)
        memcpy(text, draw.rest.data, draw.rest.len);
    text[draw.rest.len] = '\0';
    for (char *at = text; argc < WORDS_MAX && at; argc++) {
        argv[argc] = at;
        at = strchr(at, '\n');
        if (at)
            *at++ = '\0';
    }
    if (!nowhere && !(nowhere = fopen("/dev/null", "w")))
        abort();
    /* What the parser says to people. */
    FILE *out = stdout, *errors = stderr;
    stdout = stderr = nowhere;
    try_command(command, argc, argv);
    stdout = out;
    stderr = errors;
    return 0;
}

/* tongzhou show: one record, or the proof that it stands in its log. */
#include <unistd.h>

#include "base/codec.h"
#include "base/json.h"
#include "base/utf8.h"
#include "base/when.h"
#include "cli/audience.h"
#include "cli/commands.h"
#include "cli/session.h"

static const struct option options[] = {
    {"proof", NULL, "the proof that it stands in the log, as a c2sp.org/tlog-proof file", AT_MOST_ONCE},
    {"body", NULL, "only the body, byte for byte", AT_MOST_ONCE},
    {"json", NULL, "the record with its marking and audience, as JSON", AT_MOST_ONCE},
    {"entry", NULL, "the log's entry, byte for byte: a seal, or a record that stands in full", AT_MOST_ONCE},
    {0},
};

static int show_proof(struct invocation *inv, struct session *session, const struct log_info *log, uint64_t index)
{
    struct buf proof;
    buf_init(&proof, 1 << 20);
    int rc = view_proof(&session->view, log, index, &proof, &inv->err);
    if (!rc)
        fwrite(proof.data, 1, proof.len, stdout);
    buf_done(&proof);
    return rc ? cli_fail(inv) : EXIT_DONE;
}

static int no_text(struct invocation *inv, const struct view_record *record)
{
    err_set(&inv->err, ERR_NOTFOUND, "%s/%llu: %s", record->log.origin, (unsigned long long)record->index,
            record->erased ? "its content was erased; `--entry` shows the seal that remains"
                           : "its content is not on this node; `--entry` shows its seal");
    return cli_fail(inv);
}

/* Others' text: as it is into a pipe, escaped on a terminal. */
static void put(struct span text)
{
    struct span line;
    if (!isatty(STDOUT_FILENO)) {
        fwrite(text.data, 1, text.len, stdout);
        return;
    }
    for (size_t at = 0; at < text.len; at += line.len + 1) {
        line = span_sub(text, at, span_find(span_sub(text, at, SIZE_MAX), '\n'));
        cli_put_text(stdout, line, line.len);
        putchar('\n');
    }
}

static void put_list(struct buf *out, const char *name, const struct span *list, size_t count)
{
    buf_fmt(out, ",\"%s\":[", name);
    for (size_t i = 0; i < count; i++) {
        buf_str(out, i ? "," : "");
        buf_json_string(out, list[i]);
    }
    buf_byte(out, ']');
}

static void put_member(struct buf *out, const char *name, struct span text)
{
    if (text.len == 0)
        return;
    buf_fmt(out, ",\"%s\":", name);
    buf_json_string(out, text);
}

/* Whom it is for in words, by the same rule that serves it. */
static const char *meant_for(const struct view_record *record)
{
    static char words[96];
    const struct record *r = &record->record;
    if (record->entry_class != ENTRY_SEAL || r->tlp == TLP_CLEAR)
        return "everybody";
    if (record->log.role == LOG_LOCAL || r->tlp == TLP_NONE)
        return "nobody but its author";
    if (r->to_count == 0)
        return r->tlp == TLP_GREEN ? "the community of its author" : "nobody but its author";
    if (r->tlp == TLP_RED)
        return "the persons it names";
    snprintf(words, sizeof(words), "%s%s%s", "whom it names", r->tlp == TLP_AMBER ? " and the nodes they live on" : "",
             r->tlp == TLP_GREEN ? " and the community of its author" : "");
    return words;
}

static void put_parsed(struct buf *out, const struct view_record *record)
{
    const struct record *r = &record->record;
    char time[WHEN_TEXT_LEN + 1];
    put_member(out, "kind", r->kind);
    if (r->has_time) {
        when_format(r->time_ms, time);
        buf_fmt(out, ",\"time\":\"%s\"", time);
    }
    if (r->tlp != TLP_NONE)
        buf_fmt(out, ",\"tlp\":\"%s\"", tlp_word(r->tlp));
    put_list(out, "to", r->to, r->to_count);
    put_member(out, "for", span_str(meant_for(record)));
    put_list(out, "ref", r->ref, r->ref_count);
    put_member(out, "lang", r->lang);
    put_member(out, "type", r->type);
    if (utf8_valid(r->body)) {
        buf_str(out, ",\"body\":");
        buf_json_string(out, r->body);
    } else {
        buf_str(out, ",\"body_base64\":\"");
        buf_base64(out, r->body.data, r->body.len);
        buf_byte(out, '"');
    }
}

static void show_json(const struct view_record *record)
{
    struct buf out;
    buf_init(&out, 8 * (size_t)PAYLOAD_MAX);
    buf_str(&out, "{\"member\":");
    buf_json_string(&out, span_str(record->log.origin));
    buf_fmt(&out, ",\"index\":%llu,\"sealed\":%s,\"content\":%s,\"erased\":%s", (unsigned long long)record->index,
            record->entry_class == ENTRY_SEAL ? "true" : "false", record->has_text ? "true" : "false",
            record->erased ? "true" : "false");
    if (record->parsed)
        put_parsed(&out, record);
    buf_str(&out, "}\n");
    fwrite(out.data, 1, out.len, stdout);
    buf_done(&out);
}

static int run(struct invocation *inv)
{
    struct session session;
    struct log_info log;
    struct view_record record;
    uint64_t index;
    if (cli_flag(inv, "proof") + cli_flag(inv, "body") + cli_flag(inv, "entry") + cli_flag(inv, "json") > 1)
        return cli_usage(inv, "--proof, --body, --entry and --json exclude each other");
    int status = session_open(inv, &session, SESSION_INDEX, OUTLET_CLI_LOG);
    if (!status)
        status = session_record(inv, &session, inv->args[0], &log, &index);
    if (!status && cli_flag(inv, "proof"))
        status = show_proof(inv, &session, &log, index);
    else if (!status && view_record(&session.view, &log, index, &session.arena, &record, &inv->err))
        status = cli_fail(inv);
    else if (!status && cli_flag(inv, "entry"))
        put(record.entry);
    else if (!status && cli_flag(inv, "json"))
        show_json(&record);
    else if (!status && !record.has_text)
        status = no_text(inv, &record);
    else if (!status)
        put(cli_flag(inv, "body") && record.parsed ? record.record.body : record.text);
    session_close(&session);
    return status;
}

const struct command cmd_show = {
    .name = "show",
    .arguments = "MEMBER/INDEX",
    .summary = "Show a record as it was said, or its proof",
    .details =
        "Without options the whole record, header and body: whom it is for is what its lines `tlp` and `to` say. In a\n"
        "pipe bytes come out as they went in.\n",
    .options = options,
    .min_args = 1,
    .max_args = 1,
    .run = run,
};

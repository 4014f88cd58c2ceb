/* What `tongzhou --help` and `tongzhou FAMILY --help` list. */
#include <string.h>

#include "cli/command.h"

#define COLUMN 15 /* where summaries begin, behind two blanks */
#define WIDTH 100 /* of lines of a family's words */

/* "peer" of "peer add"; all of "init". */
static size_t first_word(const struct command *command)
{
    return strcspn(command->name, " ");
}

static bool is_of(const struct command *command, const char *word, size_t len)
{
    return first_word(command) == len && strncmp(command->name, word, len) == 0;
}

static size_t count_of(const char *word, size_t len)
{
    size_t count = 0;
    for (size_t i = 0; commands[i]; i++)
        count += is_of(commands[i], word, len);
    return count;
}

const char *cli_family_summary(const char *word, size_t len)
{
    for (size_t i = 0; families[i].word; i++)
        if (strlen(families[i].word) == len && strncmp(families[i].word, word, len) == 0)
            return families[i].summary;
    return NULL;
}

/* "add, list, remove", broken where a line is full. */
static void print_words(FILE *out, const char *word, size_t len)
{
    size_t column = fprintf(out, "  %-*s", COLUMN, "") > 0 ? COLUMN + 2 : 0;
    bool is_first = true;
    for (size_t i = 0; commands[i]; i++) {
        if (!is_of(commands[i], word, len) || commands[i]->name[len] == '\0')
            continue;
        const char *rest = commands[i]->name + len + 1;
        size_t wanted = strlen(rest) + 2;
        if (!is_first && column + wanted > WIDTH) {
            fprintf(out, ",\n  %-*s%s", COLUMN, "", rest);
            column = COLUMN + wanted;
        } else {
            fprintf(out, "%s%s", is_first ? "" : ", ", rest);
            column += wanted;
        }
        is_first = false;
    }
    fputc('\n', out);
}

void cli_overview(FILE *out)
{
    fputs("Tongzhou (同舟): independent organisations in one boat share what they know, and nobody stands in the "
          "centre.\n\n"
          "usage: tongzhou [-C DIR] COMMAND [OPTIONS] [ARGUMENTS]\n\n"
          "DIR is the node's folder (default $TONGZHOU_DIR, then ~/.local/share/tongzhou).\n\n",
          out);
    for (size_t i = 0; commands[i]; i++) {
        const char *name = commands[i]->name;
        size_t len = first_word(commands[i]);
        if (count_of(name, len) == 1) {
            fprintf(out, "  %-*s%s\n", COLUMN, name, commands[i]->summary);
        } else if (i == 0 || !is_of(commands[i - 1], name, len)) {
            const char *summary = cli_family_summary(name, len);
            fprintf(out, "  %-*.*s%s:\n", COLUMN, (int)len, name, summary ? summary : "");
            print_words(out, name, len);
        }
    }
    fputs("\n`tongzhou COMMAND --help` explains a command, `tongzhou peer --help` lists those of peer; `man tongzhou` "
          "tells the whole.\n",
          out);
}

bool cli_family(const char *word, FILE *out, const char *said_by)
{
    size_t len = strlen(word), longest = 0;
    for (size_t i = 0; commands[i]; i++)
        if (is_of(commands[i], word, len) && strlen(commands[i]->name) > longest)
            longest = strlen(commands[i]->name);
    if (longest <= len)
        return false;
    if (!out)
        return true;
    if (said_by)
        fprintf(out, "%s%s has these commands:\n", said_by, word);
    for (size_t i = 0; commands[i]; i++)
        if (is_of(commands[i], word, len))
            fprintf(out, "  %-*s  %s\n", (int)longest, commands[i]->name, commands[i]->summary);
    return true;
}

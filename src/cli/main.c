/* tongzhou [-C DIR] COMMAND ...: finds the command, the folder, and runs it. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/password.h"
#include "sandbox/sandbox.h"
#include "state/vault.h"

/* For the completion: commands, or the options of one. */
static int print_words(const char *name)
{
    for (size_t i = 0; commands[i]; i++) {
        if (!name) {
            puts(commands[i]->name);
            continue;
        }
        if (strcmp(commands[i]->name, name) != 0)
            continue;
        for (const struct option *option = commands[i]->options; option && option->name; option++)
            printf("%s%s\n", option->name[1] ? "--" : "-", option->name);
        puts("--help");
    }
    return EXIT_DONE;
}

/* Two words first ("peer add"), then one. *ret_words: how many belonged to the name. */
static const struct command *find_command(int argc, char **argv, int *ret_words)
{
    for (*ret_words = 2; *ret_words >= 1; --*ret_words) {
        char name[64];
        if (argc < *ret_words)
            continue;
        snprintf(name, sizeof(name), "%s%s%s", argv[0], *ret_words == 2 ? " " : "", *ret_words == 2 ? argv[1] : "");
        for (size_t i = 0; commands[i]; i++)
            if (strcmp(commands[i]->name, name) == 0)
                return commands[i];
    }
    return NULL;
}

static void say_no_command(int argc, char **argv, bool group)
{
    bool second = group && argc > 1;
    fprintf(stderr, "tongzhou: there is no command %s%s%s; %s\n", argv[0], second ? " " : "", second ? argv[1] : "",
            group ? "there are:" : "`tongzhou --help` lists them");
}

/* Neither a command nor, by its first word, a family of them; or a family, whose commands are listed. */
static int no_such_command(int argc, char **argv, bool help)
{
    if (!cli_family(argv[0], NULL, NULL)) {
        say_no_command(argc, argv, false);
        return EXIT_USAGE;
    }
    bool asked = argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);
    help = asked || (help && argc == 1);
    if (argc > 1 && !help)
        say_no_command(argc, argv, true);
    const char *said_by = help ? "" : argc > 1 ? NULL : "tongzhou: ";
    cli_family(argv[0], help ? stdout : stderr, said_by);
    return help ? EXIT_DONE : EXIT_USAGE;
}

/* The folder: -C, environment, home. Heap; NULL if none can be told. */
static char *default_dir(void)
{
    const char *dir = getenv("TONGZHOU_DIR"), *home = getenv("HOME"), *data = getenv("XDG_DATA_HOME");
    char *out = NULL;
    if (dir && *dir)
        out = strdup(dir);
    else if (data && *data == '/' && asprintf(&out, "%s/tongzhou", data) < 0)
        out = NULL;
    else if (!out && home && *home && asprintf(&out, "%s/.local/share/tongzhou", home) < 0)
        out = NULL;
    return out;
}

static int end_output(int status)
{
    if (!cli_output_lost())
        return status;
    fputs("tongzhou: standard output: write failed\n", stderr);
    return status == EXIT_DONE ? EXIT_FAILED : status;
}

static int run(const struct command *command, const char *dir, bool given, int argc, char **argv)
{
    struct invocation inv = {.command = command, .dir = dir, .dir_given = given};
    /* What does not fit memory is written where there is room: beside what it is of. */
    setenv("SQLITE_TMPDIR", dir, 0);
    inv.args = calloc((size_t)argc + 1, sizeof(*inv.args));
    inv.given = calloc((size_t)argc + 1, sizeof(*inv.given));
    int status = EXIT_FAILED;
    if (!inv.args || !inv.given) {
        fputs("tongzhou: out of memory\n", stderr);
    } else {
        status = cli_parse(&inv, argc, argv);
        if (status == 0)
            status = command->run(&inv);
        else if (status < 0)
            status = EXIT_DONE;
    }
    free(inv.args);
    free(inv.given);
    return end_output(status);
}

/* `tongzhou help` and `tongzhou help COMMAND`, which people try first; `tongzhou --help COMMAND`, as with git. */
static int help(int argc, char **argv)
{
    int words;
    if (argc == 0 || strcmp(argv[0], "help") == 0 || argv[0][0] == '-') {
        cli_overview(stdout);
        return end_output(EXIT_DONE);
    }
    const struct command *command = find_command(argc, argv, &words);
    if (!command)
        return no_such_command(argc, argv, true);
    cli_help(command, stdout);
    return end_output(EXIT_DONE);
}

/* A descriptor that came closed would be given to the next file that is opened: a message could land in a database. */
static void hold_standard_files(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            (void)!open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY); /* using it fails, as it should */
}

/* An option in front of the command, behind which no command runs. */
static int other_option(const char *word, int argc, char **argv)
{
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        return help(argc, argv);
    if (strcmp(word, "--words") == 0)
        return print_words(argc ? argv[0] : NULL);
    if (strcmp(word, "-C") == 0)
        fputs("tongzhou: -C needs a folder: -C DIR\n", stderr);
    else
        fprintf(stderr, "tongzhou: unknown option %s; `tongzhou --help` lists commands\n", word);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    hold_standard_files();
    signal(SIGPIPE, SIG_IGN);
    umask(077);
    sandbox_no_dumps();
    vault_set_ask(password_of_keys);
    char *dir = NULL;
    int at = 1;
    for (; at < argc && argv[at][0] == '-'; at++) {
        const char *word = argv[at];
        if (strcmp(word, "-C") == 0 && at + 1 < argc && *argv[at + 1]) {
            free(dir);
            dir = strdup(argv[++at]);
        } else if (strcmp(word, "--version") == 0) {
            argv[at] = (char *)(uintptr_t) "version";
            break;
        } else {
            free(dir);
            return other_option(word, argc - at - 1, argv + at + 1);
        }
    }
    if (at >= argc) {
        cli_overview(stderr);
        free(dir);
        return EXIT_USAGE;
    }
    if (strcmp(argv[at], "help") == 0) {
        free(dir);
        return help(argc - at - 1, argv + at + 1);
    }
    int words;
    const struct command *command = find_command(argc - at, argv + at, &words);
    bool given = dir != NULL;
    int status = EXIT_USAGE;
    if (!command)
        status = no_such_command(argc - at, argv + at, false);
    else if (!dir && !(dir = default_dir()))
        fputs("tongzhou: no folder known, for $HOME is not set: give -C DIR or set TONGZHOU_DIR\n", stderr);
    else
        status = run(command, dir, given, argc - at - words, argv + at + words);
    free(dir);
    return status;
}

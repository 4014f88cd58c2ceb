#include "state/clean.h"

#include <pthread.h>
#include <sqlite3.h>
#include <string.h>

/* Set once, before any database is open; SQLite keeps its methods for the whole process. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static void *(*allocate)(int size);

static void *allocate_zeroed(int size)
{
    void *memory = allocate(size);
    if (memory)
        memset(memory, 0, (size_t)size);
    return memory;
}

/* Refused if SQLite is at work already: then whoever opened a database before has to call clean_memory(). */
static void start(void)
{
    sqlite3_mem_methods methods;
    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &methods) != SQLITE_OK || !methods.xMalloc)
        return;
    allocate = methods.xMalloc;
    methods.xMalloc = allocate_zeroed;
    (void)sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
}

void clean_memory(void)
{
    pthread_once(&once, start);
}

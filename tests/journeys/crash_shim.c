/* Ends the process at its N-th write, the way a kill, a power cut or a full disk would.
 *
 * Preloaded. Counts what the process writes, cuts, syncs and deletes of the files of CRASH_FOLDER, and its
 * writes to stdout. CRASH_AT=N: before the N-th of them CRASH_HOW happens:
 *   kill   SIGKILL
 *   torn   half of the write is made, then SIGKILL
 *   power  SIGKILL, and of what was written since a file's last sync only a random part is left
 *   full   the write fails with ENOSPC, and so do all after it
 * CRASH_COUNT=FILE: how many there were is written there when the process ends by itself.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum how { how_none, how_kill, how_torn, how_power, how_full };
enum { files_max = 16, name_max = 256 };

/* A write or cut that no sync has made last yet. */
struct change {
  struct change* next;
  int64_t offset;
  int64_t size; /* -1: the file was cut at `offset`. */
  unsigned char bytes[];
};

struct file {
  char path[PATH_MAX];
  unsigned char* synced; /* What the disk surely holds. */
  int64_t size;
  int is_there;
  struct change *first, *last;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static enum how how;
static long at, count;
static char folder[PATH_MAX];
static struct file files[files_max];
static int file_count;
static int is_over; /* What is written now is our own. */

#define REAL(name) \
  static __typeof__(&name) real; \
  if (real == NULL) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

static ssize_t real_pwrite(int fd, const void* bytes, size_t size, off64_t offset) {
  REAL(pwrite64);
  return real(fd, bytes, size, offset);
}
static ssize_t real_write(int fd, const void* bytes, size_t size) {
  REAL(write);
  return real(fd, bytes, size);
}

static void load(struct file* file) {
  struct stat status;
  const int fd = open(file->path, O_RDONLY | O_CLOEXEC);
  free(file->synced);
  file->synced = NULL;
  file->size = 0;
  file->is_there = fd >= 0;
  if (fd < 0) return;
  if (fstat(fd, &status) == 0 && status.st_size > 0) {
    file->synced = malloc((size_t)status.st_size);
    const ssize_t got = pread(fd, file->synced, (size_t)status.st_size, 0);
    file->size = got < 0 ? 0 : got;
  }
  close(fd);
}

static void forget_changes(struct file* file) {
  while (file->first != NULL) {
    struct change* next = file->first->next;
    free(file->first);
    file->first = next;
  }
  file->last = NULL;
}

static struct file* find_file(const char* path, int may_make) {
  for (int i = 0; i < file_count; ++i)
    if (strcmp(files[i].path, path) == 0) return &files[i];
  if (!may_make || file_count == files_max) return NULL;
  struct file* file = &files[file_count++];
  snprintf(file->path, sizeof file->path, "%s", path);
  return file;
}

static void note(const char* path, const void* bytes, int64_t size, int64_t offset) {
  if (how != how_power) return;
  struct file* file = find_file(path, 1);
  if (file == NULL) return;
  struct change* change = malloc(sizeof *change + (size > 0 ? (size_t)size : 0));
  change->next = NULL;
  change->offset = offset;
  change->size = size;
  if (size > 0) memcpy(change->bytes, bytes, (size_t)size);
  if (file->last != NULL)
    file->last->next = change;
  else
    file->first = change;
  file->last = change;
}

/* Each change since the last sync is on the disk or not, in any mixture. */
static void lose_power(void) {
  is_over = 1;
  uint64_t chance = (uint64_t)at * 0x9E3779B97F4A7C15u + 1;
  for (int i = 0; i < file_count; ++i) {
    struct file* file = &files[i];
    if (strstr(file->path, "-shm") != NULL) {
      unlink(file->path);
      continue;
    }
    if (file->first == NULL) continue;
    const int fd = open(file->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) continue;
    if (file->size > 0) (void)real_pwrite(fd, file->synced, (size_t)file->size, 0);
    for (struct change* change = file->first; change != NULL; change = change->next) {
      chance ^= chance << 13;
      chance ^= chance >> 7;
      chance ^= chance << 17;
      if ((chance & 1) != 0) continue;
      if (change->size < 0)
        (void)!ftruncate(fd, change->offset);
      else
        (void)real_pwrite(fd, change->bytes, (size_t)change->size, change->offset);
    }
    close(fd);
    if (!file->is_there && (chance & 2) != 0) unlink(file->path);
  }
}

static void end_process(void) {
  if (how == how_power) lose_power();
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

/* The path behind a file descriptor, if it is one of ours; stdout has none. */
static int is_ours(int fd, char* path) {
  path[0] = '\0';
  if (folder[0] == '\0' || is_over) return 0;
  if (fd == STDOUT_FILENO) return 1;
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t size = readlink(link, path, PATH_MAX - 1);
  if (size <= 0) return 0;
  path[size] = '\0';
  return strncmp(path, folder, strlen(folder)) == 0;
}

/* True: the disk is full. Does not return when the process ends here. */
static int reach(int fd, const void* bytes, size_t size, off64_t offset) {
  ++count;
  if (at == 0 || count < at) return 0;
  if (how == how_full) return 1;
  if (how == how_torn && size > 1) {
    if (offset >= 0)
      (void)!real_pwrite(fd, bytes, size / 2, offset);
    else
      (void)!real_write(fd, bytes, size / 2);
  }
  end_process();
  return 0;
}

__attribute__((constructor)) static void begin(void) {
  const char* text = getenv("CRASH_FOLDER");
  if (text == NULL || realpath(text, folder) == NULL) return;
  if ((text = getenv("CRASH_AT")) != NULL) at = atol(text);
  text = getenv("CRASH_HOW");
  static const char* const words[] = {"none", "kill", "torn", "power", "full"};
  for (int i = 0; text != NULL && i < 5; ++i)
    if (strcmp(text, words[i]) == 0) how = (enum how)i;
  unsetenv("LD_PRELOAD"); /* Of what the process starts, nothing counts. */
  if (how != how_power) return;
  DIR* list = opendir(folder);
  for (struct dirent* entry; list != NULL && (entry = readdir(list)) != NULL;) {
    char path[PATH_MAX + name_max + 2];
    snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    struct stat status;
    if (stat(path, &status) != 0 || !S_ISREG(status.st_mode)) continue;
    struct file* file = find_file(path, 1);
    if (file != NULL) load(file);
  }
  if (list != NULL) closedir(list);
}

__attribute__((destructor)) static void end(void) {
  const char* path = getenv("CRASH_COUNT");
  if (path == NULL) return;
  FILE* out = fopen(path, "w");
  if (out == NULL) return;
  fprintf(out, "%ld\n", count);
  fclose(out);
}

ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t offset) {
  char path[PATH_MAX];
  if (!is_ours(fd, path)) return real_pwrite(fd, bytes, size, offset);
  pthread_mutex_lock(&mutex);
  ssize_t done = -1;
  if (reach(fd, bytes, size, offset)) {
    errno = ENOSPC;
  } else {
    done = real_pwrite(fd, bytes, size, offset);
    if (done > 0) note(path, bytes, done, offset);
  }
  pthread_mutex_unlock(&mutex);
  return done;
}
ssize_t pwrite(int fd, const void* bytes, size_t size, off_t offset) {
  return pwrite64(fd, bytes, size, offset);
}

ssize_t write(int fd, const void* bytes, size_t size) {
  char path[PATH_MAX];
  if (!is_ours(fd, path)) return real_write(fd, bytes, size);
  pthread_mutex_lock(&mutex);
  ssize_t done = -1;
  /* What stdout is, is not ours to fill. */
  if (reach(fd, bytes, size, -1) && fd != STDOUT_FILENO) {
    errno = ENOSPC;
  } else {
    const off64_t offset = fd == STDOUT_FILENO ? 0 : lseek64(fd, 0, SEEK_CUR);
    done = real_write(fd, bytes, size);
    if (done > 0 && fd != STDOUT_FILENO) note(path, bytes, done, offset);
  }
  pthread_mutex_unlock(&mutex);
  return done;
}

static int sync_one(int fd, int (*real)(int)) {
  char path[PATH_MAX];
  if (!is_ours(fd, path) || fd == STDOUT_FILENO) return real(fd);
  pthread_mutex_lock(&mutex);
  (void)reach(fd, NULL, 0, 0);
  const int done = real(fd);
  struct file* file = done == 0 && how == how_power ? find_file(path, 0) : NULL;
  if (file != NULL) {
    load(file);
    forget_changes(file);
  }
  pthread_mutex_unlock(&mutex);
  return done;
}
int fdatasync(int fd) {
  REAL(fdatasync);
  return sync_one(fd, real);
}
int fsync(int fd) {
  REAL(fsync);
  return sync_one(fd, real);
}

int ftruncate64(int fd, off64_t size) {
  REAL(ftruncate64);
  char path[PATH_MAX];
  if (!is_ours(fd, path)) return real(fd, size);
  pthread_mutex_lock(&mutex);
  (void)reach(fd, NULL, 0, 0);
  const int done = real(fd, size);
  if (done == 0) note(path, NULL, -1, size);
  pthread_mutex_unlock(&mutex);
  return done;
}
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

int unlink(const char* name) {
  REAL(unlink);
  char path[PATH_MAX];
  if (folder[0] == '\0' || is_over || realpath(name, path) == NULL ||
      strncmp(path, folder, strlen(folder)) != 0)
    return real(name);
  pthread_mutex_lock(&mutex);
  (void)reach(-1, NULL, 0, 0);
  const int done = real(name);
  struct file* file = done == 0 ? find_file(path, 0) : NULL;
  if (file != NULL) {
    forget_changes(file);
    file->size = 0;
    file->is_there = 0;
  }
  pthread_mutex_unlock(&mutex);
  return done;
}

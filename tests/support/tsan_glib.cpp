// SPDX-License-Identifier: LGPL-2.1-or-later
// Tells ThreadSanitizer how GLib and GStreamer order what threads do. The installed libraries are
// not instrumented, and lock with futexes and atomics that it can't see: every hand-over by them
// would look like a race. The functions here stand in front of theirs and do the same, and say so.
//
// What one library calls inside itself doesn't come by here. GLib's threads are pthread's, which
// ThreadSanitizer sees.
//
// A hand-over that isn't told here shows as a false report. What is told and isn't so hides a race:
// so each says no more than the real function promises.
#include <atomic>

#include <dlfcn.h>
#include <gst/gst.h>
#include <sanitizer/tsan_interface.h>

extern "C" void __tsan_init();
extern "C" void __tsan_func_entry(void* caller);
extern "C" void __tsan_func_exit();

namespace {

// The function of that name in the libraries behind this one.
template <auto* function>
auto real(const char* name) {
  constinit static std::atomic<void*> found = nullptr;
  void* next = found.load(std::memory_order_relaxed);
  if (!next) {
    next = dlsym(RTLD_NEXT, name);
    found.store(next, std::memory_order_relaxed);
  }
  return reinterpret_cast<decltype(function)>(next);
}

// Constructors of libraries lock before ThreadSanitizer is there; they have one thread.
constinit bool is_ready = false;

[[gnu::constructor]] void begin() {
  __tsan_init();
  is_ready = true;
}

void acquire(void* address) {
  if (is_ready)
    __tsan_acquire(address);
}

void release(void* address) {
  if (is_ready)
    __tsan_release(address);
}

constexpr unsigned kRead = __tsan_mutex_read_lock;
constexpr unsigned kReentrant = __tsan_mutex_write_reentrant;
constexpr unsigned kTry = __tsan_mutex_try_lock;

void create(void* lock, unsigned flags) {
  if (is_ready)
    __tsan_mutex_create(lock, flags | __tsan_mutex_not_static);
}

void destroy(void* lock) {
  if (is_ready)
    __tsan_mutex_destroy(lock, __tsan_mutex_not_static);
}

// Stacks in reports have instrumented functions alone, and so not the library that locks; here it is.
class Caller {
 public:
  [[gnu::always_inline]] Caller() {
    if (is_ready)
      __tsan_func_entry(__builtin_return_address(0));
  }
  ~Caller() {
    if (is_ready)
      __tsan_func_exit();
  }
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;
};

void before_lock(void* lock, unsigned flags = 0) {
  if (is_ready)
    __tsan_mutex_pre_lock(lock, flags);
}

void after_lock(void* lock, unsigned flags = 0) {
  if (is_ready)
    __tsan_mutex_post_lock(lock, flags, 0);
}

gboolean after_trylock(void* lock, unsigned flags, gboolean is_locked) {
  after_lock(lock, flags | (is_locked ? 0 : __tsan_mutex_try_lock_failed));
  return is_locked;
}

void before_unlock(void* lock, unsigned flags = 0) {
  if (is_ready)
    __tsan_mutex_pre_unlock(lock, flags);
}

void after_unlock(void* lock, unsigned flags = 0) {
  if (is_ready)
    __tsan_mutex_post_unlock(lock, flags);
}

// What a source calls, and who lets go of it last sees what the others did.
struct Callback {
  GSourceFunc work;
  gpointer data;
  GDestroyNotify forget;
  std::atomic<int> users = 1;

  static void share(gpointer self) { ++static_cast<Callback*>(self)->users; }
  static void let_go(gpointer data) {
    auto* self = static_cast<Callback*>(data);
    release(self);
    if (--self->users > 0)
      return;
    acquire(self);
    if (self->forget)
      self->forget(self->data);
    delete self;
  }
  static void get(gpointer data, GSource* source, GSourceFunc* work, gpointer* its_data) {
    acquire(source);
    const auto* self = static_cast<Callback*>(data);
    *work = self->work;
    *its_data = self->data;
  }
};

struct Workshop {
  GFunc work;
  gpointer user_data;
};

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

// Locks.

void g_mutex_init(GMutex* mutex) {
  create(mutex, 0);
  real<g_mutex_init>(__func__)(mutex);
}

void g_mutex_clear(GMutex* mutex) {
  destroy(mutex);
  real<g_mutex_clear>(__func__)(mutex);
}

void g_mutex_lock(GMutex* mutex) {
  const Caller caller;
  before_lock(mutex);
  real<g_mutex_lock>(__func__)(mutex);
  after_lock(mutex);
}

gboolean g_mutex_trylock(GMutex* mutex) {
  const Caller caller;
  before_lock(mutex, kTry);
  return after_trylock(mutex, kTry, real<g_mutex_trylock>(__func__)(mutex));
}

void g_mutex_unlock(GMutex* mutex) {
  before_unlock(mutex);
  real<g_mutex_unlock>(__func__)(mutex);
  after_unlock(mutex);
}

void g_rec_mutex_init(GRecMutex* mutex) {
  create(mutex, kReentrant);
  real<g_rec_mutex_init>(__func__)(mutex);
}

void g_rec_mutex_clear(GRecMutex* mutex) {
  destroy(mutex);
  real<g_rec_mutex_clear>(__func__)(mutex);
}

void g_rec_mutex_lock(GRecMutex* mutex) {
  const Caller caller;
  before_lock(mutex, kReentrant);
  real<g_rec_mutex_lock>(__func__)(mutex);
  after_lock(mutex, kReentrant);
}

gboolean g_rec_mutex_trylock(GRecMutex* mutex) {
  const Caller caller;
  before_lock(mutex, kReentrant | kTry);
  return after_trylock(mutex, kReentrant | kTry, real<g_rec_mutex_trylock>(__func__)(mutex));
}

void g_rec_mutex_unlock(GRecMutex* mutex) {
  before_unlock(mutex);
  real<g_rec_mutex_unlock>(__func__)(mutex);
  after_unlock(mutex);
}

void g_rw_lock_init(GRWLock* lock) {
  create(lock, 0);
  real<g_rw_lock_init>(__func__)(lock);
}

void g_rw_lock_clear(GRWLock* lock) {
  destroy(lock);
  real<g_rw_lock_clear>(__func__)(lock);
}

void g_rw_lock_writer_lock(GRWLock* lock) {
  const Caller caller;
  before_lock(lock);
  real<g_rw_lock_writer_lock>(__func__)(lock);
  after_lock(lock);
}

gboolean g_rw_lock_writer_trylock(GRWLock* lock) {
  const Caller caller;
  before_lock(lock, kTry);
  return after_trylock(lock, kTry, real<g_rw_lock_writer_trylock>(__func__)(lock));
}

void g_rw_lock_writer_unlock(GRWLock* lock) {
  before_unlock(lock);
  real<g_rw_lock_writer_unlock>(__func__)(lock);
  after_unlock(lock);
}

void g_rw_lock_reader_lock(GRWLock* lock) {
  const Caller caller;
  before_lock(lock, kRead);
  real<g_rw_lock_reader_lock>(__func__)(lock);
  after_lock(lock, kRead);
}

gboolean g_rw_lock_reader_trylock(GRWLock* lock) {
  const Caller caller;
  before_lock(lock, kRead | kTry);
  return after_trylock(lock, kRead | kTry, real<g_rw_lock_reader_trylock>(__func__)(lock));
}

void g_rw_lock_reader_unlock(GRWLock* lock) {
  before_unlock(lock, kRead);
  real<g_rw_lock_reader_unlock>(__func__)(lock);
  after_unlock(lock, kRead);
}

// The order comes by the mutex alone.
void g_cond_wait(GCond* cond, GMutex* mutex) {
  const Caller caller;
  before_unlock(mutex);
  after_unlock(mutex);
  real<g_cond_wait>(__func__)(cond, mutex);
  before_lock(mutex);
  after_lock(mutex);
}

gboolean g_cond_wait_until(GCond* cond, GMutex* mutex, gint64 end_time) {
  const Caller caller;
  before_unlock(mutex);
  after_unlock(mutex);
  const gboolean is_signalled = real<g_cond_wait_until>(__func__)(cond, mutex, end_time);
  before_lock(mutex);
  after_lock(mutex);
  return is_signalled;
}

// Who changes a state takes most of the locks there are.
GstStateChangeReturn gst_element_set_state(GstElement* element, GstState state) {
  const Caller caller;
  return real<gst_element_set_state>(__func__)(element, state);
}

// What a thread of a pool is given to do: GstTask's threads come from there.

GThreadPool* g_thread_pool_new(GFunc work, gpointer user_data, gint max_threads, gboolean exclusive,
                               GError** error) {
  // GLib forgets its pools slowly, and so these are kept.
  auto* workshop = new Workshop{work, user_data};
  const auto enter = [](gpointer item, gpointer data) {
    acquire(data);
    const auto* entered = static_cast<Workshop*>(data);
    entered->work(item, entered->user_data);
  };
  return real<g_thread_pool_new>(__func__)(enter, workshop, max_threads, exclusive, error);
}

gboolean g_thread_pool_push(GThreadPool* pool, gpointer item, GError** error) {
  release(pool->user_data);
  return real<g_thread_pool_push>(__func__)(pool, item, error);
}

// What a main loop is given to do.

void g_source_set_callback(GSource* source, GSourceFunc work, gpointer data,
                           GDestroyNotify forget) {
  static GSourceCallbackFuncs functions{Callback::share, Callback::let_go, Callback::get};
  g_source_set_callback_indirect(source, new Callback{work, data, forget}, &functions);
}

guint g_source_attach(GSource* source, GMainContext* context) {
  release(source);
  return real<g_source_attach>(__func__)(source, context);
}

// What is made once, on the first use.

gboolean(g_once_init_enter)(volatile void* location) {
  const gboolean is_first = real<(g_once_init_enter)>(__func__)(location);
  if (!is_first)
    acquire(const_cast<void*>(location));
  return is_first;
}

void(g_once_init_leave)(volatile void* location, gsize result) {
  release(const_cast<void*>(location));
  real<(g_once_init_leave)>(__func__)(location, result);
}

// The last of an object's users sees what the others did.

void g_object_unref(gpointer object) {
  release(object);
  acquire(object);
  real<g_object_unref>(__func__)(object);
}

void gst_mini_object_unref(GstMiniObject* object) {
  release(object);
  acquire(object);
  real<gst_mini_object_unref>(__func__)(object);
}

// Who finds itself alone with an object may write what others have read.
gboolean gst_mini_object_is_writable(const GstMiniObject* object) {
  const gboolean is_writable = real<gst_mini_object_is_writable>(__func__)(object);
  if (is_writable)
    acquire(const_cast<GstMiniObject*>(object));
  return is_writable;
}

GstMiniObject* gst_mini_object_make_writable(GstMiniObject* object) {
  // A copy lets go of the original.
  release(object);
  GstMiniObject* writable = real<gst_mini_object_make_writable>(__func__)(object);
  if (writable == object)
    acquire(object);
  return writable;
}

}  // extern "C"
#pragma GCC visibility pop

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <utility>

#include <gst/gst.h>

namespace onair {

// How a type is counted: GObjects by default, GstMiniObjects and others by the list below.
template <typename T>
struct RefCount {
  static void ref(T* object) { g_object_ref(object); }
  static void unref(T* object) { g_object_unref(object); }
};

template <typename T>
struct MiniObjectRefCount {
  static void ref(T* object) { gst_mini_object_ref(GST_MINI_OBJECT_CAST(object)); }
  static void unref(T* object) { gst_mini_object_unref(GST_MINI_OBJECT_CAST(object)); }
};

template <>
struct RefCount<GstBuffer> : MiniObjectRefCount<GstBuffer> {};
template <>
struct RefCount<GstCaps> : MiniObjectRefCount<GstCaps> {};
template <>
struct RefCount<GstEvent> : MiniObjectRefCount<GstEvent> {};
template <>
struct RefCount<GstMessage> : MiniObjectRefCount<GstMessage> {};
template <>
struct RefCount<GstPromise> : MiniObjectRefCount<GstPromise> {};
template <>
struct RefCount<GstQuery> : MiniObjectRefCount<GstQuery> {};
template <>
struct RefCount<GstSample> : MiniObjectRefCount<GstSample> {};
template <>
struct RefCount<GBytes> {
  static void ref(GBytes* bytes) { g_bytes_ref(bytes); }
  static void unref(GBytes* bytes) { g_bytes_unref(bytes); }
};

// An owning pointer whose verbs say what happens to the reference.
template <typename T>
class GstPtr {
 public:
  GstPtr() = default;
  GstPtr(const GstPtr& other) : object_{other.object_} {
    if (object_)
      RefCount<T>::ref(object_);
  }
  GstPtr(GstPtr&& other) noexcept : object_{std::exchange(other.object_, nullptr)} {}
  GstPtr& operator=(GstPtr other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~GstPtr() { reset(); }

  // Takes over the reference that the caller was given (transfer full). Null is fine.
  [[nodiscard]] static GstPtr adopt(T* object) { return GstPtr{object}; }
  // Takes a reference of its own (transfer none).
  [[nodiscard]] static GstPtr share(T* object) {
    if (object)
      RefCount<T>::ref(object);
    return GstPtr{object};
  }
  // Takes over a new, floating object.
  [[nodiscard]] static GstPtr sink(T* object) {
    if (object)
      gst_object_ref_sink(object);
    return GstPtr{object};
  }

  // Hands the reference over to the caller; the pointer is empty afterwards.
  [[nodiscard]] T* release() { return std::exchange(object_, nullptr); }
  void reset() {
    if (T* object = release())
      RefCount<T>::unref(object);
  }

  [[nodiscard]] T* get() const { return object_; }
  explicit operator bool() const { return object_ != nullptr; }

 private:
  explicit GstPtr(T* object) : object_{object} {}
  T* object_ = nullptr;
};

struct GFree {
  void operator()(gpointer memory) const { g_free(memory); }
};
// Memory from GLib that ends with g_free.
template <typename T = char>
using GMemory = std::unique_ptr<T, GFree>;

struct GstStructureFree {
  void operator()(GstStructure* structure) const { gst_structure_free(structure); }
};
using StructurePtr = std::unique_ptr<GstStructure, GstStructureFree>;

struct GErrorFree {
  void operator()(GError* error) const { g_error_free(error); }
};
using ErrorPtr = std::unique_ptr<GError, GErrorFree>;

}  // namespace onair

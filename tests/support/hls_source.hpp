// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include <gst/gst.h>

#include "glue/gstptr.hpp"

namespace onair::test {

// What an origin serves, as a test says: an object with the signals of hlslivesink.
class HlsSource {
 public:
  struct Resource {
    unsigned status = 200;
    std::string reason;
    std::string data;  // from the beginning
    bool is_complete = true;
    std::string content_type = "video/mp2t";
    std::string cache_control = "public, max-age=3600";
    std::string etag;
    std::string wait_for;
    GstClockTime patience = 0;
    bool is_in_pieces = false;  // the data as two memories rather than one
  };

  HlsSource();

  [[nodiscard]] GObject* object() const { return object_.get(); }
  void destroy() { object_.reset(); }

  // What it says of a target from now on; 404 of others. Tells nobody.
  void set(const std::string& target, Resource resource);
  void set_playlist(const std::string& target, const std::string& text);
  void append(const std::string& target, const std::string& data, bool is_complete);
  void change(const std::string& name);
  // Changes this name while it is being asked the next time, behind the answer.
  void change_when_asked(const std::string& target, Resource next, const std::string& name);
  // How often it was asked for a target.
  [[nodiscard]] unsigned asked(const std::string& target);
  [[nodiscard]] unsigned asked();
  // Returns when that has happened so often; false if it does not.
  bool wait_until_asked(const std::string& target, unsigned times);

 private:
  struct Entry {
    Resource resource;
    GstPtr<GstBuffer> buffer;
  };
  struct Change {
    std::string target;
    Resource next;
    std::string name;
  };
  GstStructure* on_request(const std::string& target, guint64 offset);
  GstStructure* answer(const std::string& target, guint64 offset);

  GstPtr<GObject> object_;
  std::mutex mutex_;
  std::condition_variable was_asked_;
  std::map<std::string, Entry> entries_;
  std::map<std::string, unsigned> asked_;
  std::optional<Change> pending_;
};

}  // namespace onair::test

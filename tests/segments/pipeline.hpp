// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gst/gst.h>

#include "glue/gstptr.hpp"
#include "transport_stream.hpp"

namespace onair::segments {

// Runs a pipeline to its end.
class Pipeline {
 public:
  // Throws std::runtime_error, as run() does, with what GStreamer says.
  explicit Pipeline(const std::string& description);
  ~Pipeline();
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  // What goes into a pad, buffer by buffer; complete when the pipeline has run.
  const std::vector<Bytes>& record(const std::string& element, const std::string& pad);
  // Before it stops, when everything is there, `at_end`.
  void run(const std::function<void()>& at_end = [] {});
  [[nodiscard]] GstPtr<GstElement> element(const std::string& name) const;

 private:
  // Behind each identity that is called so.
  void thin_frames();

  GstPtr<GstElement> pipeline_;
  std::vector<std::unique_ptr<std::vector<Bytes>>> records_;
  std::vector<std::unique_ptr<std::uint64_t>> frame_counts_;
};

// A folder that goes when this goes.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace onair::segments

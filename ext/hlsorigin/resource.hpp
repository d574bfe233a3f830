// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <vector>

#include <gst/gst.h>

#include "base/time.hpp"
#include "glue/gstptr.hpp"

namespace onair::hlsorigin {

using BytesPtr = GstPtr<GBytes>;

// What a source says of a target: the structure `hls-resource`, read once.
struct Resource {
  static constexpr guint kOk = 200;
  static constexpr guint kNotYet = 202;  // comes with a change of `wait_for`, or never

  guint status = 0;
  std::string reason;
  std::vector<BytesPtr> data;  // the source's own memory, not a copy
  guint64 size = 0;            // of the data
  bool is_complete = true;
  std::string content_type;
  std::string cache_control;
  std::string etag;
  std::string wait_for;
  Duration patience{};
};

// Whether an object has the two signals of a source.
[[nodiscard]] bool is_source(GObject* object);
// Asks a source. Its signal never blocks.
[[nodiscard]] Resource ask(GObject* source, const std::string& target, guint64 offset);

}  // namespace onair::hlsorigin

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <gst/gst.h>

#include "glue/gstptr.hpp"
#include "output.hpp"
#include "settings.hpp"

namespace live {

// From one publisher's RTP to what the output takes. Sound: Opus → MP3, without a hole; picture: decoded,
// brought to a constant size, and encoded again, so that whatever the publisher does, players see one
// steady stream; or several of them, of abrladder.
class Broadcast {
 public:
  // Later: it has been promised, and until it comes there is silence, or black.
  enum class Stream { None, Later, Here };
  // How a rendition's picture is made.
  struct Encoding {
    std::string encoder;  // the element
    double fps = 0;       // at most, now
    guint64 dropped = 0;  // frames, as the encoder was too far behind
  };
  // Posted by the bin for each of its streams that has come to its end.
  static constexpr const char* kEndMessage = "live-stream-ended";

  // The bin goes into `pipeline` and feeds `output`. An error is a sentence for a person.
  static std::variant<std::unique_ptr<Broadcast>, std::string> create(GstBin* pipeline,
                                                                      const Settings& settings,
                                                                      Output& output, Stream audio,
                                                                      Stream video);
  // Takes the bin out of the pipeline.
  ~Broadcast();
  Broadcast(const Broadcast&) = delete;
  Broadcast& operator=(const Broadcast&) = delete;

  // Links a pad of the ingest to the branch of its media.
  bool link(GstPad* source, bool is_audio);
  // Nothing comes any more for what has not been linked.
  void end_unlinked();
  // By the numbers of the renditions; nothing for those without a picture.
  [[nodiscard]] std::vector<std::optional<Encoding>> encodings() const;
  [[nodiscard]] bool owns(GstObject* object) const;
  // Whether that was the last one.
  [[nodiscard]] bool on_stream_end() { return --streams_ == 0; }

 private:
  Broadcast(GstBin* pipeline, std::size_t renditions)
      : pipeline_{pipeline}, renditions_{renditions} {}

  GstBin* pipeline_;
  std::size_t renditions_;  // of abrladder
  onair::GstPtr<GstElement> bin_;
  unsigned streams_ = 0;  // that have not ended
};

}  // namespace live

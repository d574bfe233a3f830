// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <utility>

#include <gio/gio.h>
#include <gst/gst.h>

#include "glue/gstptr.hpp"
#include "glue/guarded.hpp"
#include "media_path.hpp"
#include "reception.hpp"

namespace onair::rtplisten {

// The sockets of one medium: reads them from listen() to stop(), whoever sends, and hands what belongs to the
// session on to its path.
class MediaInput {
 public:
  struct Config {
    MediaKind kind = MediaKind::Audio;
    GstBin* bin = nullptr;
    GstPtr<GSocket> rtp;
    GstPtr<GSocket> rtcp;  // null: there is none
    std::function<ClockTime()> now;
    std::function<void(ClockTime)> on_media;       // a packet that passes; streaming thread
    std::function<void(unsigned session)> on_new;  // a source has been learned; streaming thread
  };
  // `reception` outlives it.
  MediaInput(Config config, Guarded<Reception>& reception);
  ~MediaInput();
  MediaInput(const MediaInput&) = delete;
  MediaInput& operator=(const MediaInput&) = delete;

  // Control thread.
  [[nodiscard]] bool start();
  void stop();
  // What has waited for this session's path goes first.
  void open(unsigned session, std::shared_ptr<MediaPath> path);
  std::shared_ptr<MediaPath> close();

  // Any thread.
  [[nodiscard]] std::shared_ptr<MediaPath> path() { return path_.get(); }
  void send_rtcp(GstBuffer* packet);
  [[nodiscard]] MediaKind kind() const { return config_.kind; }
  [[nodiscard]] bool has_rtcp() const { return static_cast<bool>(config_.rtcp); }
  [[nodiscard]] bool owns(GstObject* element) const;

 private:
  // From a socket to a function of ours. The pad belongs to no element, so that nothing has to be linked while
  // packets come.
  struct Reader {
    GstPtr<GstElement> element;
    GstPtr<GstPad> pad;
  };
  struct Peer {
    Sender sender;
    GstPtr<GSocketAddress> address;
  };
  struct Flow {
    std::shared_ptr<MediaPath> path;
    unsigned session = 0;  // of the path
    unsigned waiting_session = 0;
    std::deque<std::pair<Source, GstPtr<GstBuffer>>> waiting;  // for its path to be made
  };

  Reader make_reader(GSocket* socket, GstPadChainFunction chain);
  void end(const Reader& reader);
  void on_rtp(GstPtr<GstBuffer> packet);
  void on_rtcp(GstPtr<GstBuffer> packet);
  void deliver(unsigned session, const Source& source, GstPtr<GstBuffer> packet);

  const Config config_;
  Guarded<Reception>& reception_;
  Reader rtp_;
  Reader rtcp_;
  Guarded<Flow>
      flow_;  // locked while a packet goes to the path, so that a path that is closed gets none
  Guarded<std::shared_ptr<MediaPath>>
      path_;            // the same, for whoever is called by what a packet sets off
  Guarded<Peer> peer_;  // where RTCP comes from

  std::array<GstPtr<GstBuffer>, LearnedStream::kCandidates> held_;  // streaming thread only
};

}  // namespace onair::rtplisten

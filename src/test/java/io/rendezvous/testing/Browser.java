package io.rendezvous.testing;

import java.io.IOException;
import java.nio.file.Path;

/** Headless Chromium. */
public final class Browser {
  private Browser() {}

  /**
   * Opens a page, and ends when it has loaded.
   *
   * @param directory where it keeps its profile
   */
  public static Program open(Path directory, String url) throws IOException {
    return Program.start(
        directory,
        "chromium",
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--ignore-certificate-errors",
        "--dump-dom",
        "--user-data-dir=" + directory.resolve("chromium"),
        url);
  }
}

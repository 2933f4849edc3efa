package io.rendezvous.admin;

import io.nayuki.qrcodegen.QrCode;

/** Draws QR codes. Any thread may call. */
final class Qr {
  private static final int QUIET_ZONE = 4; // modules around the code, as its standard asks

  private Qr() {}

  /** Returns an SVG image of a text as a QR code, black on white on any background. */
  static String svg(String text) {
    QrCode code = QrCode.encodeText(text, QrCode.Ecc.MEDIUM);
    int size = code.size + 2 * QUIET_ZONE;
    StringBuilder path = new StringBuilder();
    for (int y = 0; y < code.size; y++) {
      for (int x = 0; x < code.size; x++) {
        if (code.getModule(x, y)) {
          path.append('M').append(x + QUIET_ZONE).append(',').append(y + QUIET_ZONE);
          path.append("h1v1h-1z");
        }
      }
    }
    return """
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges">\
        <path fill="#fff" d="M0,0h%dv%dH0z"/><path d="%s"/></svg>
        """
        .formatted(size, size, size, size, path);
  }
}

package io.rendezvous.cli;

import io.nayuki.qrcodegen.QrCode;

/** Draws QR codes on a terminal. */
final class TerminalQr {
  private TerminalQr() {}

  /** Draws a QR code, two rows of modules in each line, with a quiet zone for readers. */
  static String of(String text) {
    QrCode code = QrCode.encodeText(text, QrCode.Ecc.MEDIUM);
    StringBuilder lines = new StringBuilder();
    for (int y = -2; y < code.size + 2; y += 2) {
      for (int x = -2; x < code.size + 2; x++) {
        boolean upper = code.getModule(x, y);
        boolean lower = code.getModule(x, y + 1);
        lines.append(upper ? (lower ? ' ' : '\u2584') : (lower ? '\u2580' : '\u2588'));
      }
      lines.append('\n');
    }
    return lines.toString();
  }
}

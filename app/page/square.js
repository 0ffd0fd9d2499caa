// The centre square of a picture, as the model sees it: model/media/sampling.py. What is transparent is white.

export const SIDE = 224; // pixels

export class Square {
  constructor() {
    this.canvas = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE });
    this.pen = this.canvas.getContext("2d", { alpha: false, willReadFrequently: true });
    this.pen.imageSmoothingQuality = "high";
    this.pen.fillStyle = "white";
  }

  /** Draw that of a source with these sides. */
  draw(source, width, height) {
    const side = Math.min(width, height);
    this.pen.fillRect(0, 0, SIDE, SIDE);
    this.pen.drawImage(source, (width - side) / 2, (height - side) / 2, side, side, 0, 0, SIDE, SIDE);
    return this;
  }

  /** ImageData of what was drawn. */
  data() {
    return this.pen.getImageData(0, 0, SIDE, SIDE);
  }
}

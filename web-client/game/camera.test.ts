import { describe, expect, it } from 'vitest';
import { Camera, scaleToFit } from './camera.ts';
import { VIEW_HEIGHT_UNITS, VIEW_WIDTH_UNITS } from './field.ts';

/** Follows a ship in straight flight for a while, at a frame rate. */
function flight(framesPerS: number, seconds: number): { camera: Camera; x: number } {
  const camera = new Camera(1000, 1000);
  let x = 1000;
  for (let frame = 0; frame < framesPerS * seconds; frame += 1) {
    x += 240 / framesPerS;
    camera.follow(x, 1000, 240, 0, 1 / framesPerS);
  }
  return { camera, x };
}

describe('camera', () => {
  it('runs ahead of a ship in flight, and only a little', () => {
    const { camera, x } = flight(60, 3);
    expect(camera.x - x).toBeGreaterThan(30);
    expect(camera.x - x).toBeLessThanOrEqual(90);
    expect(camera.y).toBeCloseTo(1000, 6);
  });

  it('moves the same at 30 and at 144 frames per second', () => {
    expect(flight(30, 1).camera.x).toBeCloseTo(flight(144, 1).camera.x, -0.5);
  });

  it('never moves backwards behind a ship that flies forwards', () => {
    const camera = new Camera(1000, 1000);
    let last = camera.x;
    for (let x = 1000; x < 1400; x += 4) {
      camera.follow(x, 1000, 240, 0, 1 / 60);
      expect(camera.x).toBeGreaterThanOrEqual(last);
      last = camera.x;
    }
  });

  it('jumps to a new life far away at once', () => {
    const camera = new Camera(100, 100);
    camera.follow(3000, 2500, 0, 0, 1 / 60);
    expect([camera.x, camera.y]).toEqual([3000, 2500]);
  });

  it('comes to rest over a ship at rest', () => {
    const { camera, x } = flight(60, 2);
    for (let frame = 0; frame < 300; frame += 1) camera.follow(x, 1000, 0, 0, 1 / 60);
    expect(camera.x).toBeCloseTo(x, 1);
  });

  it('lets a shake die down, and shakes nobody who wants less motion', () => {
    const camera = new Camera(0, 0);
    camera.shake(1);
    camera.advance(0.01);
    expect(Math.hypot(camera.shakeX, camera.shakeY)).toBeGreaterThan(0);
    for (let frame = 0; frame < 120; frame += 1) camera.advance(1 / 60);
    expect(Math.hypot(camera.shakeX, camera.shakeY)).toBe(0);
    camera.mayShake = false;
    camera.shake(1);
    camera.advance(0.01);
    expect(Math.abs(camera.shakeX)).toBe(0);
  });

  it('shows no more of the world than the server sends, whatever the window', () => {
    for (const [width, height] of [
      [1280, 800],
      [1920, 1080],
      [390, 844],
      [3440, 1440],
      [844, 390],
    ] as const) {
      const scale = scaleToFit(width, height);
      expect(width / scale).toBeLessThanOrEqual(VIEW_WIDTH_UNITS + 1e-9);
      expect(height / scale).toBeLessThanOrEqual(VIEW_HEIGHT_UNITS + 1e-9);
    }
  });

  it('puts the middle of its view in the middle of the screen', () => {
    const camera = new Camera(500, 600);
    camera.resize(1280, 800);
    expect([camera.screenX(500), camera.screenY(600)]).toEqual([640, 400]);
    expect(camera.sees(500 + 640 + 20, 600, 25), 'its rim reaches in').toBe(true);
    expect(camera.sees(500 + 640 + 60, 600, 25), 'it is outside').toBe(false);
  });
});

#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Kalman filter's expected values in test-tracker.c, by the textbook's matrices.

A state (place, velocity), F = [[1, t], [0, kept]], Q = jolt² [[t³/3, t²/2], [t²/2, t]], H = [1, 0], R = noise².
"""
import numpy as np

STEPS = [(0.1, 1.0, 0.35, 2.13, 0.1), (0.1, 1.0, 0.35, 2.29, 0.1), (0.6, 1.0, 0.5, 3.02, 0.2), (0.25, 0.5, 0.35, 3.4, 0.1),
         (0.033, 1.0, 2.0, 3.35, 0.05)]  # seconds, kept, jolt; then measured place, noise

x, P = np.array([2.0, 0.0]), np.diag([0.1**2, 1.0**2])
H = np.array([[1.0, 0.0]])
for t, kept, jolt, place, noise in STEPS:
    F = np.array([[1, t], [0, kept]])
    Q = jolt**2 * np.array([[t**3 / 3, t**2 / 2], [t**2 / 2, t]])
    x, P = F @ x, F @ P @ F.T + Q
    K = P @ H.T @ np.linalg.inv(H @ P @ H.T + noise**2)
    x = x + K @ (np.array([place]) - H @ x)
    I_KH = np.eye(2) - K @ H
    P = I_KH @ P @ I_KH.T + K @ K.T * noise**2  # Joseph's form
    print("{ %.3f, %.1f, %.2f, %.2f, %.2f, { %.15g, %.15g, %.15g, %.15g, %.15g } }," %
          (t, kept, jolt, place, noise, x[0], x[1], P[0, 0], P[0, 1], P[1, 1]))

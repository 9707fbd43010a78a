// The camera, as SAPIEN lays it out. The including file defines CAMERA_SET.

layout(set = CAMERA_SET, binding = 0) uniform CameraBuffer {
  mat4 viewMatrix;
  mat4 projectionMatrix;
  mat4 viewMatrixInverse;
  mat4 projectionMatrixInverse;
  float width;
  float height;
} cameraBuffer;

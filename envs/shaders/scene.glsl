// The renderer's own data, as SAPIEN lays it out for every shader pack. The including file defines
// SCENE_SET, the descriptor set that the scene is bound to.

struct PointLight {
  vec4 position;
  vec4 emission;
};

struct DirectionalLight {
  vec4 direction;
  vec4 emission;
};

struct SpotLight {
  vec4 position;
  vec4 direction;
  vec4 emission;
};

layout(set = SCENE_SET, binding = 0) uniform SceneBuffer {
  vec4 ambientLight;
  PointLight pointLights[10];
  DirectionalLight directionalLights[3];
  SpotLight spotLights[10];
  SpotLight texturedLights[1];
} sceneBuffer;

struct LightBuffer {
  mat4 viewMatrix;
  mat4 viewMatrixInverse;
  mat4 projectionMatrix;
  mat4 projectionMatrixInverse;
  int width;
  int height;
};

layout(set = SCENE_SET, binding = 1) uniform ShadowBuffer {
  LightBuffer pointLightBuffers[60];
  LightBuffer directionalLightBuffers[3];
  LightBuffer spotLightBuffers[10];
  LightBuffer texturedLightBuffers[1];
} shadowBuffer;

layout(set = SCENE_SET, binding = 2) uniform samplerCube samplerPointLightDepths[10];
layout(set = SCENE_SET, binding = 3) uniform sampler2D samplerDirectionalLightDepths[3];
layout(set = SCENE_SET, binding = 4) uniform sampler2D samplerSpotLightDepths[10];
layout(set = SCENE_SET, binding = 5) uniform sampler2D samplerTexturedLightDepths[1];
layout(set = SCENE_SET, binding = 6) uniform sampler2D samplerTexturedLightTextures[1];
layout(set = SCENE_SET, binding = 7) uniform samplerCube samplerEnvironment;
layout(set = SCENE_SET, binding = 8) uniform sampler2D samplerBRDFLUT;
